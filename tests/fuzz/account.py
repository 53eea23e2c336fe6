"""The time that every clock must show, calculated from the accepted requests."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.resilience.linearizability.exchange import Asked, Opening, Seat, Verb
from tests.resilience.linearizability.game import Game

CYCLE, SESSION = "the cycle", "the session"


@dataclass(slots=True)
class ExpectedClocks:
    """Time given and used, in ms, as of the last change.

    The keys are participant ids, group ids, CYCLE and SESSION.
    """

    opening: Opening
    changed_at: int = 0
    given: dict[str, int] = field(default_factory=dict)
    used: dict[str, int] = field(default_factory=dict)
    cycle_length: dict[str, int] = field(default_factory=dict)
    """By participant: the length of its cycles in sessions without `time_per_cycle_ms`."""
    next_cycle_length: dict[str, int] = field(default_factory=dict)
    """By participant: the length that an adjustment gave its next cycle."""

    @classmethod
    def of(cls, opening: Opening, game: Game) -> "ExpectedClocks":
        """Return the clocks of a new session."""
        clocks = cls(opening)
        for seat in opening.seats:
            clocks._add_participant(seat)
        whole = opening.total_time_ms if opening.sync_mode == "global" else opening.max_time_ms
        if whole is not None:
            clocks.given[SESSION] = whole
        clocks._start_cycle(game)
        return clocks

    def record(self, asked: Asked, before: Game, after: Game, at: int) -> None:
        """Record that `asked` changed the session from `before` to `after` at `at` (epoch ms)."""
        if before.status == "running":
            for clock in self._running_clocks(before):
                self.used[clock] = self.used.get(clock, 0) + at - self.changed_at
        self.changed_at = at
        match asked.verb:
            case Verb.ADD if asked.newcomer:
                self._add_participant(asked.newcomer)
            case Verb.ADJUST:
                self._adjust(asked, after)
            case Verb.GIVE:
                self._give(asked.add_ms or 0, after)
            case Verb.SWITCH:
                self._switch(before, after)

    def check(self, game: Game, data: dict[str, Any]) -> None:
        """Check the clocks in `data`, the body of a read of the session."""
        assert epoch_ms(data["updated_at"]) == self.changed_at
        now = data["server_time_ms"]
        running = set(self._running_clocks(game)) if game.status == "running" else set()
        used = dict(self.used)
        for clock in running:
            used[clock] = used.get(clock, 0) + now - self.changed_at
        for shown in (*data["participants"], *data.get("groups", [])):
            self._check_clock(shown, used)
        if data["deadline_at"]:
            assert epoch_ms(data["deadline_at"]) == now + data["time_remaining_ms"]
        if CYCLE in self.given or SESSION in self.given:
            left = [self.given[c] - used.get(c, 0) for c in (CYCLE, SESSION) if c in self.given]
            assert data["time_remaining_ms"] == min(left)

    def _check_clock(self, shown: dict[str, Any], used: dict[str, int]) -> None:
        clock = shown.get("participant_id") or shown["group_id"]
        assert shown["time_used_ms"] == used.get(clock, 0)
        if clock in self.given:
            assert shown["time_used_ms"] + shown["time_remaining_ms"] == self.given[clock]

    def _add_participant(self, seat: Seat) -> None:
        bank = seat.bank_ms or 0
        self.cycle_length[seat.participant_id] = bank
        match self.opening.sync_mode:
            case "per_participant":
                self.given[seat.participant_id] = bank
            case "per_group" if seat.group_id:
                self.given[seat.group_id] = self.given.get(seat.group_id, 0) + bank

    def _switch(self, before: Game, after: Game) -> None:
        if clock := self._bank_key(before, before.active):
            self.given[clock] += self.opening.increment_ms
        self._start_cycle(after)

    def _adjust(self, asked: Asked, game: Game) -> None:
        adjusted, value = asked.participant_id or "", asked.total_time_ms or 0
        self.cycle_length[adjusted] = value
        if clock := self._bank_key(game, adjusted):
            self.given[clock] = self.used.get(clock, 0) + value
        elif self.opening.sync_mode == "per_cycle" and adjusted != game.active:
            self.next_cycle_length[adjusted] = value
        else:
            self._adjust_shared(value)

    def _give(self, added: int, game: Game) -> None:
        match self.opening.sync_mode:
            case "per_cycle":
                self.given[CYCLE] += added
                for seat in game.seats:
                    if (who := seat.participant_id) != game.active:
                        usual = self.opening.time_per_cycle_ms or self.cycle_length[who]
                        self.next_cycle_length[who] = self.next_cycle_length.get(who, usual) + added
            case "global":
                self.given[SESSION] += added
            case _:
                for clock in self.given:
                    self.given[clock] += added

    def _adjust_shared(self, value: int) -> None:
        has_cycle = CYCLE in self.given
        for clock in (CYCLE, SESSION):
            if clock in self.given:
                adjusted = self.used.get(clock, 0) + value
                raised = max(self.given[clock], adjusted)
                self.given[clock] = raised if clock is SESSION and has_cycle else adjusted

    def _start_cycle(self, game: Game) -> None:
        length = self.opening.time_per_cycle_ms
        if self.opening.sync_mode == "per_cycle" and game.active:
            length = (
                self.next_cycle_length.pop(game.active, length) or self.cycle_length[game.active]
            )
        if length and self.opening.sync_mode in ("per_cycle", "global"):
            self.given[CYCLE], self.used[CYCLE] = length, 0

    def _running_clocks(self, game: Game) -> Iterator[str]:
        """Yield the keys of the clocks that run while the session runs."""
        yield from {CYCLE, SESSION}
        if game.active:
            yield game.active
            if self.opening.sync_mode == "per_group":
                yield self._bank_key(game, game.active) or ""

    def _bank_key(self, game: Game, participant_id: str | None) -> str | None:
        """Return the key of the bank that the participant's time is taken from, if it has one."""
        match self.opening.sync_mode:
            case "per_participant":
                return participant_id
            case "per_group":
                groups = {seat.participant_id: seat.group_id for seat in game.seats}
                return groups[participant_id or ""]
            case _:
                return None


def epoch_ms(timestamp: str) -> int:
    """Return the ms since the Unix epoch."""
    return round(datetime.fromisoformat(timestamp).timestamp() * 1000)
