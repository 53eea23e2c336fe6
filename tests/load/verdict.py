"""What a run's figures are, and whether they keep their limits."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.load.bench.figures import percentile
from tests.load.deliveries import deliveries
from tests.load.observation import Look, within
from tests.load.run import Record
from tests.load.scenarios import Limit
from tests.load.usage import shares

_LATE_MS = 100.0
_PERCENTILES = (50, 95, 99)

Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Judgement:
    """A figure beside its limit."""

    limit: Limit
    value: float | None
    """None where there is no such figure: it was not measured, so it doesn't pass."""

    @property
    def passed(self) -> bool:
        """Whether it keeps the limit."""
        return self.value is not None and self.value <= self.limit.most


def judge(figures: Figures, limits: Sequence[Limit]) -> list[Judgement]:
    """Each limit beside its figure."""
    return [Judgement(limit, figures.get(limit.figure)) for limit in limits]


def figures_of(record: Record) -> Figures:
    """Everything that was measured, warm-up excluded from latencies."""
    figures = _of_requests(record) | _of_memory(record) | _of_versions(record)
    if record.attendances:
        figures |= _of_sockets(record)
    for p in (95, 99):
        late = within(record.lateness_before, record.lateness_after, p)
        if late is not None:
            figures[f"flag falls late, p{p} at most ms"] = late
    figures["flag falls and warnings"] = max(record.lateness_after.values(), default=0) - max(
        record.lateness_before.values(), default=0
    )
    return figures | {
        "sessions set up in s": record.setup_s,
        "outbox at the end": record.outbox,
        "keys more than at half time": record.looks[-1].keys - _middle(record.looks).keys,
    }


def _of_requests(record: Record) -> Figures:
    counted = [s for s in record.shots.samples if s.at_s >= record.scenario.warm_up_s]
    figures: Figures = {"requests": len(counted)}
    measured_s = record.scenario.duration_s - record.scenario.warm_up_s
    figures["requests a second"] = len(counted) / measured_s
    for kind in sorted({sample.kind for sample in counted}):
        figures |= _spread(kind, [s.ms for s in counted if s.kind == kind and _counts(s.status)])
    figures |= _spread("generator late", [s.late_ms for s in counted])
    if counted:
        late = sum(sample.late_ms > _LATE_MS for sample in counted)
        figures["requests not sent in time %"] = 100 * late / len(counted)
    total = len(record.shots.samples)
    figures["errors %"] = 100 * record.shots.errors.total() / total if total else 100.0
    figures["stale changes refused"] = record.shots.refused
    return figures | _by_quarter(record)


def _by_quarter(record: Record) -> Figures:
    """The last quarter's switches beside the second's, which has no warm-up in it."""
    quarter_s = record.scenario.duration_s / 4
    p95 = []
    for number in (1, 3):
        begins, ends = number * quarter_s, (number + 1) * quarter_s
        ms = [s.ms for s in record.shots.samples if s.kind == "switch" and begins <= s.at_s < ends]
        if not ms:
            return {}
        p95.append(percentile(sorted(ms), 95))
    return {"switch p95, fourth quarter over second quarter": p95[1] / p95[0]}


def _of_sockets(record: Record) -> Figures:
    warm_up_s = record.scenario.warm_up_s
    ms = [ms for at_s, ms in deliveries(record) if at_s >= warm_up_s]
    heard = record.attendances
    return _spread("delivery", ms) | {
        "pushes heard": sum(len(one.pushes) for one in heard),
        "pushes missed": sum(one.missed for one in heard),
        "pushes repeated": sum(one.repeated for one in heard),
        "sockets lost": sum(one.lost for one in heard),
        "sockets opened in s": record.opening_s,
    }


def _of_memory(record: Record) -> Figures:
    first, last = record.looks[0], record.looks[-1]
    elapsed_s = last.at_s - first.at_s
    second_half = record.looks[len(record.looks) // 2 :]
    figures = {f"instance {n + 1}: memory MB": mb for n, mb in enumerate(last.memory_mb)} | {
        f"instance {n + 1}: CPU %": 100 * (after - before) / elapsed_s
        for n, (before, after) in enumerate(zip(first.cpu_s, last.cpu_s, strict=True))
    }
    used = shares(first.usage, last.usage)
    figures |= {f"{role}: CPU %": sum(each) for role, each in used.items() if role != "service"}
    figures["memory growth in the second half MB"] = max(
        slope([(look.at_s, look.memory_mb[n]) for look in second_half])
        * (last.at_s - second_half[0].at_s)
        for n in range(len(last.memory_mb))
    )
    return figures


def _of_versions(record: Record) -> Figures:
    """Whether every version is one accepted change; where clocks run out others make some, too."""
    made = Counter((c.session, c.version) for c in record.shots.changes)
    figures: Figures = {"versions doubled": sum(n - 1 for n in made.values())}
    if record.scenario.mix == "games":
        expected = sum(v - record.first.get(n, 0) for n, v in record.last.items())
        figures["versions missing"] = abs(expected - len(made))
    return figures


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Of the straight line that fits best: least squares."""
    middle_x = math.fsum(x for x, _ in points) / len(points)
    middle_y = math.fsum(y for _, y in points) / len(points)
    spread = math.fsum((x - middle_x) ** 2 for x, _ in points)
    common = math.fsum((x - middle_x) * (y - middle_y) for x, y in points)
    return common / spread if spread else 0.0


def _counts(status: int) -> bool:
    """Whether its time is told: of what was done, and of what was waited for in vain."""
    return status == 0 or 200 <= status < 300


def _spread(name: str, ms: list[float]) -> Figures:
    if not ms:
        return {}
    ordered = sorted(ms)
    figures = {f"{name} p{p} ms": percentile(ordered, p) for p in _PERCENTILES}
    return figures | {f"{name} most ms": ordered[-1]}


def _middle(looks: Sequence[Look]) -> Look:
    return looks[len(looks) // 2]
