"""The audit worker tries a refused key once a minute, and an unreachable database often."""

import asyncio
import logging
from typing import Any, cast

import pytest

from functions.workers import audit_worker
from functions.workers.audit_worker import AuditWorker
from shared.application import activity
from shared.application.errors import AuditKeyRefused, AuditUnavailable
from shared.application.event_loop import cancel_and_wait
from shared.application.ports.audit_log import AuditLog, Outbox
from shared.application.store_clock import StoreClock
from shared.observability.prometheus import PrometheusMetrics
from tests.support.virtual_time import Time, in_virtual_time

pytestmark = in_virtual_time


class FailingOutbox:
    """Fails each time with the same error, and counts."""

    def __init__(self, error: AuditUnavailable) -> None:
        self.count = 0
        self._error = error

    async def take(self, *_: Any) -> Any:
        self.count += 1
        raise self._error


@pytest.mark.parametrize(
    ("error", "tries", "level"),
    [(AuditKeyRefused(), range(10, 12), "ERROR"), (AuditUnavailable(), range(120, 130), "WARNING")],
)
async def test_a_refused_key_is_tried_once_a_minute_and_logged_as_an_error(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: AuditUnavailable,
    tries: range,
    level: str,
) -> None:
    for module in (activity, audit_worker):
        monkeypatch.setattr(module, "time", Time)
    outbox = FailingOutbox(error)
    metrics = PrometheusMetrics(per_tenant=False)
    trail = cast(AuditLog, None)
    worker = AuditWorker(cast(Outbox, outbox), trail, StoreClock(), metrics)
    with caplog.at_level(logging.WARNING, "synckairos.audit"):
        running = asyncio.create_task(worker.run())
        await asyncio.sleep(601)
        await cancel_and_wait([running])
    assert outbox.count in tries
    assert {record.levelname for record in caplog.records} == {level}
