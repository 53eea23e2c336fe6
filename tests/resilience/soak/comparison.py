"""Checks that the audit trail holds exactly the accepted changes."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import psycopg

from tests.resilience.soak.players import AcceptedChange, AnswerLog
from tests.resilience.soak.store import Failover, RedisInspector

_ROW_QUERY = """
select session_id::text, version, request_id,
  (extract(epoch from recorded_at - occurred_at) * 1000)::float, event <> 'time_expired'
from public.sync_events
"""

_UNREPLICATED_S = 1.0
"""A killed primary may lose changes that it acknowledged in its last second. Replication is
asynchronous, and a replica acknowledges the received data once a second."""

_IN_FLIGHT_S = 0.5
"""A player may receive an answer of a killed primary this long after the kill. No replica is
promoted sooner."""

_DISCONNECT_TIME_S = 0.1
"""Longest time that disconnecting a replica takes."""

Row = tuple[str, int, str, float, bool]
"""Session id, version, request id, delay from the change to its row (ms), and whether the row is
the requested change; a request also settles the flag falls before it."""


@dataclass(frozen=True, slots=True)
class TrailComparison:
    """Result of the comparison. If `faults` is empty, no change is missing, duplicated or out of
    order, except those in `lost`."""

    rows: int
    flag_falls: int
    faults: tuple[str, ...]
    lags_ms: tuple[float, ...]
    """Delays from a change to its row, in ascending order, including outages."""
    lost: tuple[AcceptedChange, ...] = ()
    """Changes that a killed primary acknowledged just before the kill and didn't replicate."""
    lost_in_trail: int = 0
    """Number of lost changes that are in the trail."""
    oldest_lost_s: float = 0.0
    """Seconds from the acknowledgement of the oldest lost change to the kill."""


def compare_with_trail(
    database_url: str, ledger: AnswerLog, store: RedisInspector, lag_s: float
) -> TrailComparison:
    """Compare the trail in Postgres with the answers that the players received.

    `lag_s` is the time without replication before a primary was killed.
    """
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(_ROW_QUERY).fetchall()
    return compare_rows(rows, ledger, store.failovers, store.keys.shard_of, lag_s)


def compare_rows(
    rows: Sequence[Row],
    ledger: AnswerLog,
    failovers: Sequence[Failover] = (),
    shard_of: Callable[[str], str] = lambda _: "",
    lag_s: float = 0.0,
) -> TrailComparison:
    """Compare `rows` of the trail with the accepted changes.

    The trail must contain every accepted change exactly once. A change may be missing only if the
    primary of its shard was killed within `lag_s` plus one second after acknowledging it. Changes
    that a primary acknowledged in its last `lag_s` are lost even if they are in the trail.
    """
    versions: dict[str, list[int]] = defaultdict(list)
    recorded: dict[tuple[str, int], str] = {}
    for session_id, version, request_id, *_ in rows:
        versions[session_id].append(version)
        recorded[session_id, version] = request_id
    faults = [
        f"session {session_id} has versions {_describe(found)}"
        for session_id, found in versions.items()
        if sorted(found) != list(range(1, len(found) + 1))
    ]
    faults += _duplicates(rows, ledger.accepted)
    lost: dict[AcceptedChange, float] = {}
    lost_in_trail = 0
    for change in ledger.accepted:
        found = recorded.get((change.session_id, change.version))
        is_recorded = found == change.request_id
        age = _age_at_kill(change, failovers, shard_of)
        if age is not None and age < lag_s + (
            -_DISCONNECT_TIME_S if is_recorded else _UNREPLICATED_S
        ):
            lost[change] = age
            lost_in_trail += is_recorded
        elif not is_recorded:
            faults.append(f"{change} is not in the trail; request of that version: {found}")
    faults += _inconsistent_sessions(ledger, versions, set(lost))
    lags = tuple(sorted(lag for *_, lag, _ in rows))
    oldest_s = max(lost.values(), default=0.0)
    flag_falls = sum(not is_requested for *_, is_requested in rows)
    return TrailComparison(
        len(rows), flag_falls, tuple(faults), lags, tuple(lost), lost_in_trail, oldest_s
    )


def _duplicates(rows: Sequence[Row], accepted: Iterable[AcceptedChange]) -> list[str]:
    """Return the requests that made more than one version."""
    accepted_ids = {change.request_id for change in accepted}
    made: dict[str, list[int]] = defaultdict(list)
    for _, version, request_id, _, is_requested in rows:
        if is_requested and request_id in accepted_ids:
            made[request_id].append(version)
    return [f"request {r} made versions {found}" for r, found in made.items() if len(found) > 1]


def _age_at_kill(
    change: AcceptedChange, failovers: Sequence[Failover], shard_of: Callable[[str], str]
) -> float | None:
    """Return the seconds from a change's acknowledgement to the kill of its shard's primary; None
    if no such primary was killed afterwards."""
    shard = shard_of(change.session_id)
    ages = [f.killed_at - change.answered_at for f in failovers if shard in f.shards]
    return min((max(age, 0.0) for age in ages if age >= -_IN_FLIGHT_S), default=None)


def _inconsistent_sessions(
    ledger: AnswerLog, versions: dict[str, list[int]], lost: set[AcceptedChange]
) -> list[str]:
    """Return the sessions without losses whose trail or state differs from their player's."""
    last = {change.session_id: change for change in ledger.accepted}
    faults = [
        f"session {change.session_id} ended at version {change.version}, but its trail has"
        f" {len(versions[change.session_id])} rows"
        for change in last.values()
        if change not in lost
        and change.session_id not in ledger.refused
        and len(versions[change.session_id]) != change.version
    ]
    with_losses = {change.session_id for change in lost}
    faults += [
        f"session {session_id} lost no change, but a request was refused: {refusal}"
        for session_id, refusal in ledger.refused.items()
        if session_id not in with_losses
    ]
    return faults


def _describe(versions: list[int]) -> str:
    missing = sorted(set(range(1, max(versions) + 1)) - set(versions))
    return f"1 to {max(versions)} without {missing}" if missing else "twice"
