"""Terminal output while the game runs. Clocks are shown at the game's original speed."""

import asyncio
import time

from rich.console import Console
from rich.live import Live
from rich.table import Table

from tests.demo.recording import SIDES
from tests.demo.replay import Display, Replay

_DRAW_EVERY_S = 0.15
_LINE_EVERY_S = 1.0


def format_clock(ms: float) -> str:
    """Format as `2:03.4`, rounded down to tenths as on a chess clock."""
    minutes, rest_ms = divmod(int(max(0.0, ms)), 60_000)
    return f"{minutes}:{rest_ms // 1000:02d}.{rest_ms % 1000 // 100}"


def display_for(replay: Replay, console: Console) -> Display:
    """Return a function that shows the game: a live table on a terminal, otherwise lines."""
    return lambda: (_draw if console.is_terminal else _print_lines)(replay, console)


async def _draw(replay: Replay, console: Console) -> None:
    with Live(console=console, auto_refresh=False) as live:
        try:
            while True:
                live.update(_table(replay), refresh=True)
                await asyncio.sleep(_DRAW_EVERY_S)
        finally:
            live.update(_table(replay), refresh=True)


async def _print_lines(replay: Replay, console: Console) -> None:
    """Print the clocks as the last spectator sees them, once a second."""
    while True:
        white, black = _clock_faces(replay, -1)
        console.print(f"move {_progress(replay)}  White {white}  Black {black}")
        await asyncio.sleep(_LINE_EVERY_S)


def _table(replay: Replay) -> Table:
    game, journal = replay.game, replay.journal
    table = Table(
        title=f"{game.game.time_control}, {game.speed:g} times faster,"
        f" via {replay.way.words}, move {_progress(replay)}",
        caption=f"largest differences so far: {journal.disagreement_ms:.1f} ms between clients,"
        f" {abs(journal.difference_ms):.1f} ms from the recording",
    )
    table.add_column("client", min_width=16)
    for side in SIDES:
        table.add_column(side, justify="right", min_width=8)
    table.add_column("version", justify="right")
    table.add_column("round trip", justify="right")
    for n, client in enumerate(replay.clients):
        version = str(client.state["version"]) if client.state else ""
        round_trip = f"{client.round_trip_ms:.1f} ms"
        table.add_row(client.name, *_clock_faces(replay, n), version, round_trip)
    table.add_section()
    recorded = (format_clock(game.shown_ms(side, replay.move) * game.speed) for side in SIDES)
    table.add_row("recording, last move", *recorded)
    return table


def _clock_faces(replay: Replay, client: int) -> list[str]:
    clocks_ms = replay.clocks_ms(replay.clients[client], time.monotonic())
    return [format_clock(ms * replay.game.speed) for ms in clocks_ms]


def _progress(replay: Replay) -> str:
    return f"{min(replay.move + 1, replay.game.moves)} of {replay.game.moves}"
