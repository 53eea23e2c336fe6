"""Work that concerns test sessions only is in no production figure."""

import asyncio
from collections.abc import Sequence

import pytest

from shared.application.test_traffic import is_test_traffic, note_session
from shared.domain.session import Session
from shared.domain.values import replace
from shared.domain.virtual_clock import VirtualClock
from shared.observability.cloudwatch import EmfMetrics
from shared.observability.prometheus import PrometheusMetrics
from tests.unit.domain.scenarios import chess

REAL = chess(60_000)
TEST = replace(REAL, virtual_clock=VirtualClock())


@pytest.mark.parametrize(
    ("sessions", "is_test"),
    [
        ((), False),
        ((TEST,), True),
        ((TEST, TEST), True),
        ((TEST, REAL), False),
        ((REAL, TEST), False),
    ],
)
async def test_work_is_test_traffic_if_all_its_sessions_are_test_sessions(
    sessions: Sequence[Session], is_test: bool
) -> None:
    async def work() -> bool:
        for session in sessions:
            note_session(session)
        return is_test_traffic()

    assert await asyncio.create_task(work()) == is_test
    assert not is_test_traffic()


async def test_what_a_task_starts_concerns_the_same_sessions() -> None:
    async def work() -> bool:
        note_session(TEST)
        return await asyncio.create_task(asyncio.sleep(0, is_test_traffic()))

    assert await asyncio.create_task(work())


@pytest.mark.parametrize(("session", "counted"), [(REAL, 1), (TEST, 0)], ids=["real", "test"])
async def test_metrics_leave_out_test_traffic(
    session: Session, counted: int, capsys: pytest.CaptureFixture[str]
) -> None:
    async def work() -> None:
        note_session(session)
        for metrics in (scraped, EmfMetrics()):
            metrics.observe_request("POST", "/v1/sessions/{session_id}/switch", 200, 3.0)
            metrics.observe_wakeup_lateness(3.0)
            metrics.observe_push(2, 3.0)
            metrics.count_pushes("failed", 1)

    scraped = PrometheusMetrics()
    await asyncio.create_task(work())
    figures = ("switch_cycle_duration_ms_count", "expiry_lateness_ms_count", "push_failed_total")
    values = [scraped.registry.get_sample_value(f"synckairos_{name}") for name in figures]
    assert values == [counted] * 3
    assert scraped.registry.get_sample_value("synckairos_push_sent_total") == 2 * counted
    assert len(capsys.readouterr().out.splitlines()) == 4 * counted
