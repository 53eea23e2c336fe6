"""A client that plays one side: waits as long as the recording says, then switches."""

import asyncio
import time

from synckairos import ApiError, SessionState

from tests.demo.client import DemoClient
from tests.demo.errors import refused_error
from tests.demo.recording import AcceleratedGame, Side
from tests.demo.statistics import ReplayStatistics

_TIMEOUT_S = 3.0


class PlayerClient(DemoClient):
    """A client that plays White or Black."""

    def __init__(
        self, side: Side, participant_id: str, url: str, session_id: str, game: AcceleratedGame
    ) -> None:
        super().__init__(f"{side} (player)", url, session_id)
        self.side = side
        self.participant_id = participant_id
        self._game = game
        self._last_cycle = 0

    async def play(self, journal: ReplayStatistics) -> None:
        """Make every move of this side; complete a game that didn't end on time."""
        while state := await self._wait_for_turn():
            move = state["cycle_number"] - 1
            self._last_cycle = state["cycle_number"]
            if move < self._game.moves:
                await self._think(self._game.press_at_ms(move))
                await self._press(move, journal)
            elif not self._game.game.ends_on_time:
                await self._resign()

    async def _wait_for_turn(self) -> SessionState | None:
        """Wait for this side's turn and return the state; None when the game is over."""
        await self.until(lambda: self.is_over or self._is_my_turn(self.state))
        return None if self.is_over else self.state

    def _is_my_turn(self, state: SessionState | None) -> bool:
        return (
            state is not None
            and state["status"] == "running"
            and state["active_participant_id"] == self.participant_id
            and state["cycle_number"] > self._last_cycle
        )

    async def _think(self, until_ms: float) -> None:
        """Wait until this side's clock shows at most `until_ms`."""
        while True:
            ahead_ms = self.remaining_ms(self.participant_id, time.monotonic()) - until_ms
            if ahead_ms <= 0:
                return
            await asyncio.sleep(ahead_ms / 1000)

    async def _press(self, move: int, journal: ReplayStatistics) -> None:
        """End this side's cycle. `current` ensures that it never ends the opponent's."""
        sent = time.monotonic()
        try:
            result = await self.session.switch(current=self.participant_id, timeout=_TIMEOUT_S)
        except ApiError as error:
            if error.code != "INVALID_STATE_TRANSITION":
                raise refused_error("switch", error) from error
            # The flag fell before the switch arrived.
            await self.until_over()
            return
        journal.press(result["version"], sent)
        shown_ms = next(
            p["total_time_ms"]
            for p in result["participants"]
            if p["participant_id"] == self.participant_id
        )
        journal.compare(move, shown_ms - self._game.recorded_ms(move))

    async def _resign(self) -> None:
        try:
            await self.session.complete(timeout=_TIMEOUT_S)
        except ApiError as error:
            raise refused_error("complete the session", error) from error
