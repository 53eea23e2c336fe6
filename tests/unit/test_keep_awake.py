"""The audit database is queried once a day, and once an hour while it fails."""

import asyncio
from typing import cast

import pytest

from functions.workers import keep_awake
from functions.workers.keep_awake import DatabaseKeepAwake
from shared.application.errors import AuditUnavailable
from shared.application.event_loop import cancel_and_wait
from shared.application.ports.audit_log import AuditLog
from tests.support.virtual_time import Time, in_virtual_time

pytestmark = in_virtual_time

_HOUR_S = 3600
_DAY_S = 24 * _HOUR_S


class Database:
    """Counts the queries; `is_away` makes them fail."""

    count = 0
    is_away = False

    async def ping(self) -> None:
        self.count += 1
        if self.is_away:
            raise AuditUnavailable


@pytest.fixture(autouse=True)
def _virtual_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keep_awake, "time", Time)


async def test_a_container_queries_the_database_every_day() -> None:
    database = Database()
    running = asyncio.create_task(DatabaseKeepAwake(cast(AuditLog, database)).run())
    await asyncio.sleep(7 * _DAY_S + 60)
    assert database.count == 8
    await cancel_and_wait([running])


async def test_a_function_that_runs_every_minute_queries_the_database_once_a_day() -> None:
    database = Database()
    awake = DatabaseKeepAwake(cast(AuditLog, database))
    for _ in range(3 * 24 * 60):
        await awake.ping_if_due()
        await asyncio.sleep(60)
    assert database.count == 3


async def test_a_failed_query_is_repeated_after_an_hour() -> None:
    database = Database()
    database.is_away = True
    running = asyncio.create_task(DatabaseKeepAwake(cast(AuditLog, database)).run())
    await asyncio.sleep(2.5 * _HOUR_S)
    assert database.count == 3
    database.is_away = False
    await asyncio.sleep(1.5 * _HOUR_S)
    assert database.count == 4
    await asyncio.sleep(_DAY_S - 1.5 * _HOUR_S)
    assert database.count == 4
    await cancel_and_wait([running])
