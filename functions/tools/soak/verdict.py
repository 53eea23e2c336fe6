"""Whether the trail holds exactly what was accepted."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import psycopg

from functions.tools.soak.players import Accepted, Ledger
from functions.tools.soak.store import Failover, Store

_ROWS = """
select session_id::text, version, request_id,
  (extract(epoch from recorded_at - occurred_at) * 1000)::float, event <> 'time_expired'
from public.sync_events
"""

_UNREPLICATED_S = 1.0
"""A primary that is killed may take with it what it acknowledged in its last second. Replication
is asynchronous, and a replica acknowledges what it has got once a second."""

_ON_ITS_WAY_S = 0.5
"""So long after the end of a primary a player may still get an answer of it. No replica takes its
place sooner."""

_CUT_OFF_WITHIN_S = 0.1
"""So long it may take to cut a primary off from its replica."""

Row = tuple[str, int, str, float, bool]
"""A session, a version, the request that made it, how long after the change it was written (ms),
and whether it is the change that was asked for; a request settles flag falls before it as well."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found; without `faults` nothing is missing, doubled or out of place, but for what
    is `lost`."""

    rows: int
    flag_falls: int
    faults: tuple[str, ...]
    lags_ms: tuple[float, ...]
    """From the change to its row, in ascending order; outages included."""
    lost: tuple[Accepted, ...] = ()
    """Changes that a killed primary acknowledged just before its end and had not replicated."""
    lost_in_trail: int = 0
    """How many of them were written to the trail in time."""
    oldest_lost_s: float = 0.0
    """How long before its end the first of them was acknowledged."""


def judge(database_url: str, ledger: Ledger, store: Store, lag_s: float) -> Verdict:
    """Compare the trail with what the players were told.

    `lag_s` is how long a killed primary went without its replica.
    """
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(_ROWS).fetchall()
    return compare(rows, ledger, store.failovers, store.keys.shard_of, lag_s)


def compare(
    rows: Sequence[Row],
    ledger: Ledger,
    failovers: Sequence[Failover] = (),
    shard_of: Callable[[str], str] = lambda _: "",
    lag_s: float = 0.0,
) -> Verdict:
    """The verdict on these rows of the trail.

    Every accepted change must be there exactly once. It may be missing only where the primary of
    its shard was killed at most `lag_s` and a second after it was acknowledged. What a primary
    acknowledged in its last `lag_s` is lost in any case; the trail may have got it in time.
    """
    versions: dict[str, list[int]] = defaultdict(list)
    recorded: dict[tuple[str, int], str] = {}
    for session_id, version, request_id, *_ in rows:
        versions[session_id].append(version)
        recorded[session_id, version] = request_id
    faults = [
        f"session {session_id} has versions {_brief(found)}"
        for session_id, found in versions.items()
        if sorted(found) != list(range(1, len(found) + 1))
    ]
    faults += _repeated(rows, ledger.accepted)
    lost: dict[Accepted, float] = {}
    lost_in_trail = 0
    for change in ledger.accepted:
        found = recorded.get((change.session_id, change.version))
        is_there = found == change.request_id
        age = _age_at_the_end(change, failovers, shard_of)
        if age is not None and age < lag_s + (-_CUT_OFF_WITHIN_S if is_there else _UNREPLICATED_S):
            lost[change] = age
            lost_in_trail += is_there
        elif not is_there:
            faults.append(f"{change} is not in the trail, which has {found} there")
    faults += _misled(ledger, versions, set(lost))
    lags = tuple(sorted(lag for *_, lag, _ in rows))
    oldest_s = max(lost.values(), default=0.0)
    flag_falls = sum(not is_asked_for for *_, is_asked_for in rows)
    return Verdict(len(rows), flag_falls, tuple(faults), lags, tuple(lost), lost_in_trail, oldest_s)


def _repeated(rows: Sequence[Row], accepted: Iterable[Accepted]) -> list[str]:
    """Requests of players that made more than one version."""
    asked = {change.request_id for change in accepted}
    made: dict[str, list[int]] = defaultdict(list)
    for _, version, request_id, _, is_asked_for in rows:
        if is_asked_for and request_id in asked:
            made[request_id].append(version)
    return [f"request {r} made versions {found}" for r, found in made.items() if len(found) > 1]


def _age_at_the_end(
    change: Accepted, failovers: Sequence[Failover], shard_of: Callable[[str], str]
) -> float | None:
    """How long before the end of the primary of its shard it was acknowledged, in seconds; None
    where no such primary was killed afterwards."""
    shard = shard_of(change.session_id)
    ages = [f.killed_at - change.answered_at for f in failovers if shard in f.shards]
    return min((max(age, 0.0) for age in ages if age >= -_ON_ITS_WAY_S), default=None)


def _misled(ledger: Ledger, versions: dict[str, list[int]], lost: set[Accepted]) -> list[str]:
    """Sessions that are not where their players left them, and that have lost nothing."""
    last = {change.session_id: change for change in ledger.accepted}
    faults = [
        f"session {change.session_id} ended at {change.version}, its trail does not"
        for change in last.values()
        if change not in lost
        and change.session_id not in ledger.refused
        and len(versions[change.session_id]) != change.version
    ]
    robbed = {change.session_id for change in lost}
    faults += [
        f"session {session_id} has lost nothing: {refusal}"
        for session_id, refusal in ledger.refused.items()
        if session_id not in robbed
    ]
    return faults


def _brief(versions: list[int]) -> str:
    missing = sorted(set(range(1, max(versions) + 1)) - set(versions))
    return f"1 to {max(versions)} without {missing}" if missing else "twice"
