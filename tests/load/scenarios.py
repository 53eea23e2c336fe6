"""The scenarios: sizes, rates, durations, and limits of the figures."""

from dataclasses import dataclass, replace
from typing import Literal

Mix = Literal["games", "exams", "everything"]
Pattern = Literal["steady", "people", "contention", "finishes"]


@dataclass(frozen=True, slots=True)
class Limit:
    """The maximum of a figure."""

    figure: str
    most: float


_ANSWERS = (
    Limit("switch p50 ms", 10),
    Limit("switch p95 ms", 50),
    Limit("switch p99 ms", 100),
    Limit("errors %", 0.1),
)
_NOTHING_MISSED = (
    Limit("pushes missed", 0),
    Limit("pushes repeated", 0),
    Limit("sockets lost", 0),
    Limit("errors %", 0),
)
_ON_TIME = (Limit("generator lateness p99 ms", 25), Limit("requests not sent in time %", 1))
"""Beyond these limits the load was not the one that the scenario describes; the run is invalid."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A kind of load; `rate` is requests per second in total."""

    name: str
    about: str
    sessions: int
    duration_s: float
    rate: float = 0
    pattern: Pattern = "steady"
    mix: Mix = "everything"
    reads: float = 0.15
    summaries: float = 0.05
    """Shares of reads and summaries; the other requests are switches."""
    users: int = 0
    participants: int = 0
    """Of each exam; each of them finishes once."""
    sockets: int = 0
    instances: int = 1
    warm_up_s: float = 10
    """Part of the duration; excluded from latencies."""
    limits: tuple[Limit, ...] = _ANSWERS

    @property
    def validity(self) -> tuple[Limit, ...]:
        """Limits of the generator; a closed loop has none, because it has no due times."""
        return () if self.pattern == "contention" else _ON_TIME

    def scaled(self, by: float) -> "Scenario":
        """Return a copy scaled by a factor, of at least 4 s."""
        return replace(
            self,
            sessions=_part(self.sessions, by),
            sockets=_part(self.sockets, by),
            users=_part(self.users, by),
            participants=_part(self.participants, by),
            rate=max(min(20.0, self.rate), self.rate * by),
            duration_s=max(4.0, self.duration_s * by),
            warm_up_s=min(self.warm_up_s, max(1.0, self.warm_up_s * by)),
        )


def _part(number: int, by: float) -> int:
    return max(1, round(number * by)) if number else 0


def _individual(participants: int) -> Scenario:
    """Return a scenario in which a thousand participants finish within a minute."""
    sessions = 1_000 // participants
    number = "one exam" if sessions == 1 else f"{sessions} exams"
    return Scenario(
        f"individual-{participants}",
        f"{number} of {participants} participants, who finish one after the other",
        sessions=sessions,
        duration_s=60,
        rate=17,
        pattern="finishes",
        mix="exams",
        participants=participants,
        sockets=2,
        warm_up_s=5,
        limits=(Limit("finish p95 ms", 20), Limit("versions missing", 0), *_NOTHING_MISSED),
    )


_ALL = (
    Scenario(
        "baseline",
        "ten people; each plays one game from its creation to its end",
        sessions=10,
        duration_s=120,
        pattern="people",
        mix="games",
        warm_up_s=0,
    ),
    Scenario(
        "sessions-1000",
        "a thousand running sessions of all modes, switched and read at a constant rate",
        sessions=1_000,
        duration_s=90,
        rate=300,
    ),
    Scenario(
        "sessions-10000",
        "ten thousand running sessions of all modes, switched and read at a constant rate",
        sessions=10_000,
        duration_s=120,
        rate=300,
    ),
    Scenario(
        "high-frequency",
        "fifty users on ten games; each sends the next switch when the last one is answered",
        sessions=10,
        duration_s=60,
        pattern="contention",
        mix="games",
        users=50,
        limits=(
            Limit("versions missing", 0),
            Limit("versions duplicated", 0),
            Limit("errors %", 0),
            Limit("switch p99 ms", 500),
        ),
    ),
    Scenario(
        "subscribers-10000",
        "ten thousand sockets on five hundred games, at four instances",
        sessions=500,
        duration_s=90,
        rate=25,
        mix="games",
        reads=0,
        summaries=0,
        sockets=10_000,
        instances=4,
        limits=(Limit("delivery p95 ms", 100), *_NOTHING_MISSED),
    ),
    Scenario(
        "crowd-2500",
        "2 500 sockets on one game, at one instance",
        sessions=1,
        duration_s=60,
        rate=0.5,
        mix="games",
        reads=0,
        summaries=0,
        sockets=2_500,
        limits=_NOTHING_MISSED,
    ),
    Scenario(
        "crowd-10000",
        "10 000 sockets on one game, at four instances",
        sessions=1,
        duration_s=60,
        rate=0.5,
        mix="games",
        reads=0,
        summaries=0,
        sockets=10_000,
        instances=4,
        limits=_NOTHING_MISSED,
    ),
    *map(_individual, (10, 100, 1_000)),
    Scenario(
        "sustained",
        "half an hour with a thousand sessions of all modes and five hundred sockets",
        sessions=1_000,
        duration_s=1_800,
        rate=100,
        sockets=500,
        instances=2,
        warm_up_s=60,
        limits=(
            *_ANSWERS,
            Limit("delivery p95 ms", 100),
            Limit("pushes missed", 0),
            Limit("sockets lost", 0),
            Limit("memory growth in the second half MB", 8),
            Limit("switch p95, fourth quarter over second quarter", 1.5),
            Limit("Redis keys added since half time", 50),
            Limit("outbox at the end", 0),
        ),
    ),
)

SCENARIOS = {scenario.name: scenario for scenario in _ALL}
