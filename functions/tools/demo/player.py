"""One who plays: thinks as long as the recording says, by its own clock, and presses."""

import asyncio
import time

import msgspec

from functions.tools.demo.api import post
from functions.tools.demo.client import Client
from functions.tools.demo.failure import Refused
from functions.tools.demo.journal import Journal
from functions.tools.demo.recording import FastGame, Side
from functions.tools.demo.state import Banks, State
from functions.tools.demo.transport import Transport


class Player(Client):
    """A client with a side."""

    def __init__(
        self,
        side: Side,
        participant_id: str,
        url: str,
        session_id: str,
        transport: Transport,
        game: FastGame,
    ) -> None:
        super().__init__(f"{side} (player)", url, session_id, transport)
        self.side = side
        self.participant_id = participant_id
        self._game = game
        self._played_cycle = 0

    async def play(self, journal: Journal) -> None:
        """Make every move of this side; end a game that didn't end on time."""
        while state := await self._turn():
            move = state.cycle_number - 1
            self._played_cycle = state.cycle_number
            if move < self._game.moves:
                await self._think(self._game.press_at_ms(move))
                await self._press(state, move, journal)
            elif not self._game.game.ends_on_time:
                await post(self._http, f"/v1/sessions/{self._session_id}/complete")

    async def _turn(self) -> State | None:
        """The state in which this side is to move; None when the game is over."""
        while True:
            self._changed.clear()
            state = self.state
            if state and state.is_over:
                return None
            if state and self._is_mine(state):
                return state
            await self._changed.wait()

    def _is_mine(self, state: State) -> bool:
        return (
            state.status == "running"
            and state.active_participant_id == self.participant_id
            and state.cycle_number > self._played_cycle
        )

    async def _think(self, until_ms: float) -> None:
        """Wait until the own clock reads `until_ms`; not at all when it reads less already."""
        while True:
            ahead_ms = self.remaining_ms(self.participant_id, time.monotonic()) - until_ms
            if ahead_ms <= 0:
                return
            await asyncio.sleep(ahead_ms / 1000)

    async def _press(self, state: State, move: int, journal: Journal) -> None:
        """End the own cycle; naming it, so that a press can never end somebody else's."""
        sent = time.monotonic()
        try:
            result = await post(
                self._http,
                f"/v1/sessions/{self._session_id}/switch",
                {"current_participant_id": self.participant_id},
            )
        except Refused as refusal:
            if refusal.code != "INVALID_STATE_TRANSITION":
                raise
            # The flag was faster than the press.
            await self.is_over.wait()
            return
        journal.press(state.version + 1, sent)
        bank_ms = msgspec.convert(result, Banks).bank_ms(self.participant_id)
        journal.compare(move, bank_ms - self._game.recorded_ms(move))
