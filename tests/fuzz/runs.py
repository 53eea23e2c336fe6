"""The times that the clocks of `individual` must show, calculated from the accepted requests."""

from dataclasses import dataclass, field
from typing import Any

from tests.resilience.linearizability.exchange import Asked, Verb
from tests.resilience.linearizability.game import Game
from tests.resilience.linearizability.runs import DONE


@dataclass(slots=True)
class ExpectedRun:
    """The clock of one participant; times in ms, without the time since the last change."""

    granted: int
    """All time that it may use in this round."""
    used: int = 0
    """In this round."""
    used_before: int = 0
    """In rounds before."""
    since_end: int = 0
    """Time that the session ran since the participant ended; an undone end makes it count."""
    has_begun: bool = False


@dataclass(slots=True)
class ExpectedRuns:
    """The clocks of a session, by participant."""

    total: int
    runs: dict[str, ExpectedRun] = field(default_factory=dict)

    def pass_time(self, game: Game, ms: int) -> None:
        """Let the session run for `ms` in the state of `game`."""
        for seat in game.seats:
            run = self.runs[seat.participant_id]
            if seat.run == "running":
                run.used += ms
            elif seat.run in DONE:
                run.since_end += ms

    def record(self, asked: Asked, before: Game, after: Game) -> None:
        """Record that `asked` changed the session, whose time has passed until then."""
        was = {seat.participant_id: seat.run for seat in before.seats}
        for seat in after.seats:
            run = self.runs.setdefault(seat.participant_id, ExpectedRun(self.total))
            began = was.get(seat.participant_id) != "running" and seat.run == "running"
            if asked.verb is Verb.RUN_BEGIN and began and run.has_begun:
                run = ExpectedRun(self.total, used_before=run.used_before + run.used)
                self.runs[seat.participant_id] = run
            run.has_begun |= began
            if seat.run in DONE and was.get(seat.participant_id) not in DONE:
                run.since_end = 0
        self._correct(asked, before)

    def _correct(self, asked: Asked, before: Game) -> None:
        named = self.runs.get(asked.participant_id or "")
        if asked.verb is Verb.GIVE:
            for seat in before.seats:
                if seat.run not in DONE:
                    self.runs[seat.participant_id].granted += asked.add_ms or 0
        elif asked.verb is Verb.ADJUST and named:
            named.granted = named.used + (asked.total_time_ms or 0)
        elif asked.verb is Verb.RUN_REOPEN and named and named.has_begun:
            named.used += named.since_end

    def check(self, game: Game, data: dict[str, Any]) -> None:
        """Check the times in `data`, the body of a read of the session in the state of `game`."""
        for shown in data["participants"]:
            run = self.runs[shown["participant_id"]]
            assert shown["time_used_ms"] == run.used_before + run.used
            assert shown["total_time_ms"] == run.granted
            assert shown["time_remaining_ms"] == run.granted - run.used
        running = [self.runs[seat.participant_id] for seat in game.seats if seat.run == "running"]
        if game.status == "running" and running:
            assert data["time_remaining_ms"] == min(run.granted - run.used for run in running)
        else:
            assert "time_remaining_ms" not in data
            assert data["deadline_at"] is None
