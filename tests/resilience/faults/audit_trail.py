"""Compare the audit trail with the answers that players got."""

import asyncio
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import msgspec
import psycopg

from shared.application.instants import instant_of
from shared.application.session_encoding import decode_session
from shared.application.session_view import encode_session_view
from shared.domain.units import Instant
from tests.resilience.faults.attempt_log import AttemptLog

_POLL_S = 0.02

_NEWEST = """
select session_id::text, max(version) from public.sync_events
where session_id::text = any(%s) group by 1
"""
_OPERATIONS = """
select distinct split_part(request_id, '-', 1) from public.sync_events where request_id = any(%s)
"""


@dataclass(frozen=True, slots=True)
class Row:
    """The trail's row of one version of a session."""

    session_id: str
    version: int
    request_id: str
    occurred_at: Instant
    state: str

    @property
    def view(self) -> dict[str, Any]:
        """The `Session` object of the API at that version."""
        return dict(
            msgspec.json.decode(encode_session_view(decode_session(self.state), self.occurred_at))
        )


class AuditTrail:
    """The trail in the database at `url`, read without a proxy."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def until(self, versions: dict[str, int], log: AttemptLog | None = None) -> None:
        """Return when the trail has each session up to its version in `versions`, and each
        successful change of `log`."""
        answered = {a.operation for a in log.successes()} if log else set()
        attempts = log.attempts if log else []
        requests = [a.request_id for a in attempts if a.operation in answered]
        async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as connection:
            while True:
                found = await connection.execute(_NEWEST, (list(versions),))
                newest: dict[str, int] = dict(await found.fetchall())
                found = await connection.execute(_OPERATIONS, (requests,))
                made = {operation for (operation,) in await found.fetchall()}
                if newest == versions and made == answered:
                    return
                await asyncio.sleep(_POLL_S)

    def check(self, log: AttemptLog) -> None:
        """Assert that the trail has each successful change once, with the state in its answer,
        that no change was made twice, and that no version is missing or duplicated."""
        answered = {a.operation: a for a in log.successes()}
        rows = self._rows({a.request_id for a in log.attempts if a.is_change})
        made = Counter(_operation_of(row) for row in rows)
        assert not [operation for operation, times in made.items() if times > 1]
        assert not answered.keys() - made.keys()
        for row in rows:
            if attempt := answered.get(_operation_of(row)):
                view = row.view
                assert attempt.data == {name: view[name] for name in attempt.data}
        for session_id in {row.session_id for row in rows}:
            versions = self.versions(session_id)
            assert versions == list(range(1, len(versions) + 1))

    def versions(self, session_id: str) -> list[int]:
        """Return the versions of a session in ascending order."""
        rows = self._query(
            "select version from public.sync_events where session_id::text = any(%s) order by 1",
            [session_id],
        )
        return [version for (version,) in rows]

    def _rows(self, request_ids: Collection[str]) -> list[Row]:
        rows = self._query(
            "select session_id::text, version, request_id, occurred_at, state_snapshot::text"
            " from public.sync_events where request_id = any(%s)",
            list(request_ids),
        )
        return [Row(i, v, r, instant_of(at), state) for i, v, r, at, state in rows]

    def _query(self, query: str, parameter: list[str]) -> list[tuple[Any, ...]]:
        with psycopg.connect(self._url) as connection:
            return connection.execute(query.encode(), (parameter,)).fetchall()


def _operation_of(row: Row) -> str:
    return row.request_id.partition("-")[0]
