"""The reconcile function: handles wake-ups whose alarm was lost, once each."""

import pytest

from functions.workers import reconcile
from infra.local.supabase import SECRET_KEY, LocalSupabase
from shared.application.ports.session_store import Wakeup
from shared.domain.session import Status
from tests.functions.inspection import Inspector
from tests.functions.lambda_process import LambdaProcess
from tests.support.shifted_clock import ShiftedClock

_ENDS = {"type": "end_session"}


def test_a_timeout_whose_alarm_was_lost_is_applied(
    process: LambdaProcess, inspector: Inspector, store_clock: ShiftedClock
) -> None:
    session_ids = [process.create_started_session(action_on_timeout=_ENDS) for _ in range(3)]
    deadlines = [inspector.next_wakeup_at(session_id) for session_id in session_ids]
    store_clock.ahead_s = 63
    process.run_scheduled(reconcile.handler)
    sessions = [inspector.session(session_id) for session_id in session_ids]
    assert {(session.status, session.version) for session in sessions} == {(Status.EXPIRED, 3)}
    assert [session.session_completed_at for session in sessions] == deadlines


def test_the_audit_database_is_queried_at_the_first_run_only(
    supabase: LocalSupabase, process: LambdaProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUPABASE_URL", supabase.url)
    monkeypatch.setenv("SUPABASE_SERVICE_ROLE_KEY", SECRET_KEY)
    audit, pings = process.instance.backend.audit, list[None]()
    assert audit
    ping = audit.ping

    async def counting_ping() -> None:
        await ping()
        pings.append(None)

    monkeypatch.setattr(audit, "ping", counting_ping)
    for _ in range(3):
        process.run_scheduled(reconcile.handler)
    assert len(pings) == 1


def test_a_session_overdue_by_less_than_two_seconds_is_left_to_its_alarm(
    process: LambdaProcess, inspector: Inspector, store_clock: ShiftedClock
) -> None:
    session_id = process.create_started_session(action_on_timeout=_ENDS)
    deadline = inspector.next_wakeup_at(session_id)
    store_clock.stopped_at = deadline + 1_999
    process.run_scheduled(reconcile.handler)
    assert inspector.session(session_id).version == 2
    store_clock.stopped_at = deadline + 2_000
    process.run_scheduled(reconcile.handler)
    assert inspector.session(session_id).version == 3


def test_a_handled_session_gets_its_next_alarm(
    process: LambdaProcess, inspector: Inspector, store_clock: ShiftedClock
) -> None:
    session_id = process.create_started_session(action_on_timeout={"type": "skip_cycle"})
    inspector.clear_alarms()
    store_clock.ahead_s = 63
    process.run_scheduled(reconcile.handler)
    ((alarm, delay_s),) = inspector.alarms
    assert alarm == Wakeup(session_id, inspector.next_wakeup_at(session_id))
    assert 0 < delay_s <= 56
    assert inspector.session(session_id).version == 3


def test_two_runs_apply_a_timeout_once(
    process: LambdaProcess, inspector: Inspector, store_clock: ShiftedClock
) -> None:
    session_id = process.create_started_session(action_on_timeout={"type": "skip_cycle"})
    store_clock.ahead_s = 63
    process.run_scheduled(reconcile.handler)
    process.run_scheduled(reconcile.handler)
    assert inspector.session(session_id).version == 3


def test_more_sessions_are_handled_than_are_claimed_at_once(
    process: LambdaProcess,
    inspector: Inspector,
    store_clock: ShiftedClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reconcile, "_BATCH", 10)
    session_id = process.create_started_session(action_on_timeout=_ENDS)
    copies = inspector.add_copies(session_id, 15)
    store_clock.ahead_s = 63
    process.run_scheduled(reconcile.handler)
    assert {inspector.session(one).status for one in (session_id, *copies)} == {Status.EXPIRED}
