"""Whether the trail holds exactly what was accepted."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import psycopg

from functions.tools.soak.players import Accepted

_ROWS = """
select session_id::text, version, request_id,
  (extract(epoch from recorded_at - occurred_at) * 1000)::float
from public.sync_events
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found; without `faults` nothing is missing, doubled or out of place."""

    rows: int
    faults: tuple[str, ...]
    lags_ms: tuple[float, ...]
    """From the change to its row, in ascending order; outages included."""


def judge(database_url: str, accepted: Iterable[Accepted]) -> Verdict:
    """Compare the trail with what the players were told."""
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(_ROWS).fetchall()
    versions: dict[str, list[int]] = defaultdict(list)
    recorded: dict[tuple[str, int], str] = {}
    for session_id, version, request_id, _ in rows:
        versions[session_id].append(version)
        recorded[session_id, version] = request_id
    faults = [
        f"session {session_id} has versions {_brief(found)}"
        for session_id, found in versions.items()
        if sorted(found) != list(range(1, len(found) + 1))
    ]
    for change in accepted:
        found = recorded.get((change.session_id, change.version))
        if found != change.request_id:
            faults.append(f"{change} is not in the trail, which has {found} there")
    last = {change.session_id: change.version for change in accepted}
    for session_id, version in last.items():
        if len(versions[session_id]) != version:
            faults.append(f"session {session_id} ended at {version}, its trail does not")
    return Verdict(len(rows), tuple(faults), tuple(sorted(lag for *_, lag in rows)))


def _brief(versions: list[int]) -> str:
    missing = sorted(set(range(1, max(versions) + 1)) - set(versions))
    return f"1 to {max(versions)} without {missing}" if missing else "twice"
