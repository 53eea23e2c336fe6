"""The time that every clock must show, calculated from the accepted requests."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.fuzz.budget import ExpectedBudget, control_of
from tests.fuzz.runs import ExpectedRun, ExpectedRuns
from tests.resilience.linearizability.exchange import Asked, Opening, Seat, Verb
from tests.resilience.linearizability.game import Game

CYCLE, SESSION = "the cycle", "the session"


@dataclass(slots=True)
class ExpectedClocks:
    """Time given and used, in ms, as of the last change.

    The keys are participant ids, group ids, CYCLE and SESSION; those of `budgets` are the ids of
    the participants or groups that have banks.
    """

    opening: Opening
    changed_at: int = 0
    given: dict[str, int] = field(default_factory=dict)
    used: dict[str, int] = field(default_factory=dict)
    budgets: dict[str, ExpectedBudget] = field(default_factory=dict)
    cycle_length: dict[str, int] = field(default_factory=dict)
    """By participant: the length of its cycles in sessions without `time_per_cycle_ms`."""
    next_cycle_length: dict[str, int] = field(default_factory=dict)
    """By participant: the length that an adjustment gave its next cycle."""
    runs: ExpectedRuns | None = None
    """The clocks of `individual`."""

    @classmethod
    def of(cls, opening: Opening, game: Game) -> "ExpectedClocks":
        """Return the clocks of a new session."""
        clocks = cls(opening)
        if opening.sync_mode == "individual":
            total = opening.total_time_ms or 0
            runs = {seat.participant_id: ExpectedRun(total) for seat in opening.seats}
            clocks.runs = ExpectedRuns(total, runs)
            return clocks
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
            self._use(before, at - self.changed_at)
        self.changed_at = at
        if self.runs:
            self.runs.record(asked, before, after)
            return
        match asked.verb:
            case Verb.START:
                self._start(after)
            case Verb.ADD if asked.newcomer:
                self._add_participant(asked.newcomer)
            case Verb.ADJUST:
                self._adjust(asked, after)
            case Verb.GIVE:
                self._give(asked.add_ms or 0, after)
            case Verb.SWITCH | Verb.GO if after.cycle > before.cycle:
                self._switch(before, after)

    def check(self, game: Game, data: dict[str, Any]) -> None:
        """Check the clocks in `data`, the body of a read of the session."""
        assert epoch_ms(data["updated_at"]) == self.changed_at
        now = data["server_time_ms"]
        present = deepcopy(self)
        if game.status == "running":
            present._use(game, now - self.changed_at)
        if present.runs:
            present.runs.check(game, data)
            return
        for shown in (*data["participants"], *data.get("groups", [])):
            clock = shown.get("participant_id") or shown["group_id"]
            assert shown["time_used_ms"] == present.used.get(clock, 0)
            if clock in self.budgets:
                assert shown["total_time_ms"] == self.budgets[clock].bank
                assert shown["time_remaining_ms"] == present.budgets[clock].left
                assert shown.get("overtime") == present.budgets[clock].overtime
        if game.status == "paused" and self.opening.ends_at:
            assert epoch_ms(data["deadline_at"]) == epoch_ms(self.opening.ends_at)
        elif data["deadline_at"]:
            assert epoch_ms(data["deadline_at"]) == now + data["time_remaining_ms"]
        if self.opening.items:
            self._check_items(data)
        left = [total - present.used.get(clock, 0) for clock, total in self.given.items()]
        if left:
            assert data["time_remaining_ms"] == min(left)

    def _use(self, game: Game, ms: int) -> None:
        """Let the running clocks of `game` run for `ms`."""
        if self.runs:
            self.runs.pass_time(game, ms)
            return
        if self._awaits_first_turn(game):
            return
        for clock in set(self._running_clocks(game)):
            self.used[clock] = self.used.get(clock, 0) + ms
            if clock in self.budgets:
                self.budgets[clock].use(ms)

    def _awaits_first_turn(self, game: Game) -> bool:
        control = control_of(self.opening.time_control)
        return control.get("start_on") == "first_turn" and game.cycle == 1

    def _start(self, game: Game) -> None:
        for budget in self.budgets.values():
            budget.start()
        if CYCLE not in self.given:  # else the first cycle keeps what it was adjusted to
            self._start_cycle(game)

    def _check_items(self, data: dict[str, Any]) -> None:
        """Check that the items' times add up to the session's, and none of it is over."""
        items = data["items"]
        assert sum(item["used_ms"] for item in items) == data["elapsed_clock"]["left_ms"]
        assert {item["over_ms"] for item in items} == {0}
        assert {item["planned_ms"] for item in items} == {
            (self.opening.item_ms or 0) * (self.opening.repeat or 1)
        }

    def _add_participant(self, seat: Seat) -> None:
        bank, opening = seat.bank_ms or 0, self.opening
        self.cycle_length[seat.participant_id] = bank
        owner = {"per_participant": seat.participant_id, "per_group": seat.group_id}.get(
            opening.sync_mode
        )
        if owner in self.budgets:
            self.budgets[owner].bank += bank
        elif owner:
            control = control_of(
                seat.time_control, opening.time_control, increment_ms=opening.increment_ms
            )
            self.budgets[owner] = ExpectedBudget(control, bank)

    def _switch(self, before: Game, after: Game) -> None:
        if clock := self._bank_key(before, before.active):
            self.budgets[clock].end_turn(is_free=self._awaits_first_turn(before))
        self._start_cycle(after)

    def _adjust(self, asked: Asked, game: Game) -> None:
        adjusted, value = asked.participant_id or "", asked.total_time_ms or 0
        self.cycle_length[adjusted] = value
        if clock := self._bank_key(game, adjusted):
            self.budgets[clock].bank = value
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
                self.given[SESSION if SESSION in self.given else CYCLE] += added
            case _:
                for clock in self.given:
                    self.given[clock] += added
                for budget in self.budgets.values():
                    budget.bank += added

    def _adjust_shared(self, value: int) -> None:
        has_cycle = CYCLE in self.given
        for clock in (CYCLE, SESSION):
            if clock in self.given:
                adjusted = self.used.get(clock, 0) + value
                raised = max(self.given[clock], adjusted)
                self.given[clock] = raised if clock is SESSION and has_cycle else adjusted

    def _start_cycle(self, game: Game) -> None:
        if game.status == "running" and (clock := self._bank_key(game, game.active)):
            self.budgets[clock].begin_turn()
        length = self.opening.item_ms or self.opening.time_per_cycle_ms
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
