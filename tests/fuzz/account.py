"""What every clock must show: an account of the time that was given and used, kept over HTTP."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.resilience.linearizability.exchange import Asked, Opening, Seat, Verb
from tests.resilience.linearizability.game import Game

CYCLE, WHOLE = "the cycle", "the session"


@dataclass(slots=True)
class Account:
    """Given and used, in ms, by participant, by group, CYCLE or WHOLE, as of the last change."""

    opening: Opening
    changed_at: int = 0
    given: dict[str, int] = field(default_factory=dict)
    used: dict[str, int] = field(default_factory=dict)
    own_length: dict[str, int] = field(default_factory=dict)
    """Of each participant's cycles, where they last as long as its bank says."""
    next_length: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, opening: Opening, game: Game) -> "Account":
        """As the session is created."""
        account = cls(opening)
        for seat in opening.seats:
            account._seat(seat)
        whole = opening.total_time_ms if opening.sync_mode == "global" else opening.max_time_ms
        if whole is not None:
            account.given[WHOLE] = whole
        account._fresh_cycle(game)
        return account

    def note(self, asked: Asked, before: Game, after: Game, at: int) -> None:
        """Enter the change from `before` to `after`, which `asked` brought about at `at`."""
        if before.status == "running":
            for clock in self._running(before):
                self.used[clock] = self.used.get(clock, 0) + at - self.changed_at
        self.changed_at = at
        match asked.verb:
            case Verb.ADD if asked.newcomer:
                self._seat(asked.newcomer)
            case Verb.ADJUST:
                self._adjust(asked, after)
            case Verb.SWITCH:
                self._switch(before, after)

    def check(self, game: Game, data: dict[str, Any]) -> None:
        """Hold the Session `data` of a read against the account."""
        assert instant_of(data["updated_at"]) == self.changed_at
        now = data["server_time_ms"]
        running = set(self._running(game)) if game.status == "running" else set()
        used = dict(self.used)
        for clock in running:
            used[clock] = used.get(clock, 0) + now - self.changed_at
        for shown in (*data["participants"], *data.get("groups", [])):
            self._check_one(shown, used)
        if data["deadline_at"]:
            assert instant_of(data["deadline_at"]) == now + data["time_remaining_ms"]
        if CYCLE in self.given or WHOLE in self.given:
            left = [self.given[c] - used.get(c, 0) for c in (CYCLE, WHOLE) if c in self.given]
            assert data["time_remaining_ms"] == min(left)

    def _check_one(self, shown: dict[str, Any], used: dict[str, int]) -> None:
        clock = shown.get("participant_id") or shown["group_id"]
        assert shown["time_used_ms"] == used.get(clock, 0)
        if clock in self.given:
            assert shown["time_used_ms"] + shown["time_remaining_ms"] == self.given[clock]

    def _seat(self, seat: Seat) -> None:
        bank = seat.bank_ms or 0
        self.own_length[seat.participant_id] = bank
        match self.opening.sync_mode:
            case "per_participant":
                self.given[seat.participant_id] = bank
            case "per_group" if seat.group_id:
                self.given[seat.group_id] = self.given.get(seat.group_id, 0) + bank

    def _switch(self, before: Game, after: Game) -> None:
        if clock := self._bank(before, before.active):
            self.given[clock] += self.opening.increment_ms
        self._fresh_cycle(after)

    def _adjust(self, asked: Asked, game: Game) -> None:
        adjusted, value = asked.participant_id or "", asked.total_time_ms or 0
        self.own_length[adjusted] = value
        if clock := self._bank(game, adjusted):
            self.given[clock] = self.used.get(clock, 0) + value
        elif self.opening.sync_mode == "per_cycle" and adjusted != game.active:
            self.next_length[adjusted] = value
        else:
            self._adjust_shared(value)

    def _adjust_shared(self, value: int) -> None:
        has_cycle = CYCLE in self.given
        for clock in (CYCLE, WHOLE):
            if clock in self.given:
                anew = self.used.get(clock, 0) + value
                raised = max(self.given[clock], anew)
                self.given[clock] = raised if clock is WHOLE and has_cycle else anew

    def _fresh_cycle(self, game: Game) -> None:
        length = self.opening.time_per_cycle_ms
        if self.opening.sync_mode == "per_cycle" and game.active:
            length = self.next_length.pop(game.active, length) or self.own_length[game.active]
        if length and self.opening.sync_mode in ("per_cycle", "global"):
            self.given[CYCLE], self.used[CYCLE] = length, 0

    def _running(self, game: Game) -> Iterator[str]:
        """The clocks that run while the session does, and who is on move."""
        yield from {CYCLE, WHOLE}
        if game.active:
            yield game.active
            if self.opening.sync_mode == "per_group":
                yield self._bank(game, game.active) or ""

    def _bank(self, game: Game, participant_id: str | None) -> str | None:
        """Whose bank governs a participant, if any does."""
        match self.opening.sync_mode:
            case "per_participant":
                return participant_id
            case "per_group":
                groups = {seat.participant_id: seat.group_id for seat in game.seats}
                return groups[participant_id or ""]
            case _:
                return None


def instant_of(timestamp: str) -> int:
    """ms since the Unix epoch."""
    return round(datetime.fromisoformat(timestamp).timestamp() * 1000)
