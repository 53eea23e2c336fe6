"""Chess club: two boards play blitz at the same time.

Each player has 3 s here instead of 3 minutes, and gets 0.2 s per move. On board 2, Dan thinks for
too long, so his flag falls and Cleo wins on time.
"""

import asyncio
import sys

from synckairos import Expired, Session, SyncKairos, Update

URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:3000"
THINKING_S = {"Ada": 0.2, "Ben": 0.3, "Cleo": 0.1, "Dan": 60}


async def play(client: SyncKairos, board: int, white: str, black: str) -> None:
    game = await client.create(
        {
            "sync_mode": "per_participant",
            "participants": [
                {"participant_id": name, "total_time_ms": 3_000} for name in (white, black)
            ],
            "increment_ms": 200,
            "action_on_timeout": {"type": "end_session", "winner_by": "time"},
        }
    )
    events = game.events_stream()
    await game.open()
    moves = asyncio.create_task(move(game, board, [white, black] * 3))
    async for event in events:
        match event:
            case Expired(participant_id=loser):
                winner = white if loser == black else black
                print(f"Board {board}: {loser}'s flag fell, {winner} wins on time")
                break
            case Update(state={"status": "completed"}):
                print(f"Board {board}: {white} and {black} agree on a draw")
                break
    moves.cancel()


async def move(game: Session, board: int, players: list[str]) -> None:
    await game.start()
    for player in players:
        await asyncio.sleep(THINKING_S[player])
        await game.switch(current=player)  # refused if it is not this player's turn
        print(f"Board {board}: {player} moves and has {(game.remaining(player) or 0) / 1000:.1f} s")
    await game.complete()


async def main() -> None:
    async with SyncKairos(URL) as client:
        await asyncio.gather(play(client, 1, "Ada", "Ben"), play(client, 2, "Cleo", "Dan"))


asyncio.run(main())
