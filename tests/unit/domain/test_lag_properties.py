"""Properties of lag compensation, for random sessions, claims and instants."""

from hypothesis import given
from hypothesis import strategies as st

from shared.domain import commands as c
from shared.domain.clocks import clocks_of
from shared.domain.events import EventType, SessionChange
from shared.domain.session import Status
from shared.domain.settlement import settle
from shared.domain.timekeeping import deadline, flag_grace, move_anchor, next_wakeup
from shared.domain.units import Instant
from tests.fuzz.extent import extent
from tests.unit.domain.history_checks import (
    after_last_command,
    check_granted_time,
    check_json,
    check_settling_in_steps,
    check_versions,
)
from tests.unit.domain.random_games import (
    RandomSession,
    lagging_sessions,
    opened,
    run_commands,
)

examples = extent(short=30, full=2_000)


def compensated(change: SessionChange) -> int:
    return ((change.metadata or {}).get("lag") or {}).get("compensated_ms") or 0


@examples
@given(lagging_sessions(), st.lists(st.integers(0, 3_000), max_size=12))
def test_settling_in_small_steps_equals_settling_once(
    generated: RandomSession, gaps: list[int]
) -> None:
    check_settling_in_steps(generated, gaps)


@examples
@given(lagging_sessions(), st.integers(0, 40_000))
def test_settling_at_each_wakeup_equals_settling_once(generated: RandomSession, later: int) -> None:
    session, now = after_last_command(generated)
    until, woken, steps = Instant(now + later), session, []
    while (at := next_wakeup(woken)) is not None and at <= until:
        due = list(settle(woken, at))
        assert due
        steps += due
        woken = due[-1].session
    assert steps == list(settle(session, until))


@examples
@given(lagging_sessions())
def test_a_flag_falls_at_its_deadline(generated: RandomSession) -> None:
    for run in run_commands(generated):
        session = run.before
        for step in run.due:
            assert step.occurred_at <= run.now
            if isinstance(step, SessionChange):
                assert (step.type, step.occurred_at) == (EventType.TIME_EXPIRED, deadline(session))
            session = step.session
        wakeup = next_wakeup(session)
        assert wakeup is None or wakeup > run.now
        at = deadline(session)
        assert at is None or wakeup is None or wakeup <= at + flag_grace(session)


@examples
@given(lagging_sessions())
def test_each_change_is_one_version_and_a_refusal_is_none(generated: RandomSession) -> None:
    check_versions(generated)


@examples
@given(lagging_sessions())
def test_used_and_remaining_time_add_up_to_the_granted_time(generated: RandomSession) -> None:
    check_granted_time(generated)


@examples
@given(lagging_sessions())
def test_the_used_time_is_the_time_that_ran_less_what_was_given_back(
    generated: RandomSession,
) -> None:
    session, ran, since = opened(generated), 0, generated.created_at
    used_by_removed = 0
    for run in run_commands(generated):
        for step in run.steps:
            if isinstance(step, SessionChange):
                if deadline(session) is not None:
                    ran += step.occurred_at - since - compensated(step)
                since = step.occurred_at
                if step.type is EventType.PARTICIPANT_REMOVED:
                    removed = move_anchor(session, step.occurred_at).find(
                        step.side.participant_id or ""
                    )
                    used_by_removed += removed.used_ms if removed else 0
            session = step.session
        used = sum(p.used_ms for p in session.participants) + used_by_removed
        assert session.used_ms == used == ran


@examples
@given(lagging_sessions())
def test_a_player_gets_back_no_more_than_its_quota_allows(generated: RandomSession) -> None:
    for run in run_commands(generated):
        session = run.after
        assert session.lag is not None
        for owner_id, quota in session.lag.quotas.items():
            assert 0 <= quota.quota_ms <= 7 * quota.gain_ms
            members = [
                session.lag.totals[p.participant_id]
                for p in session.participants
                if clocks_of(session).side(p).id == owner_id
                and p.participant_id in session.lag.totals
            ]
            turns, given_back = (
                sum(member.turns for member in members),
                sum(member.compensated_ms for member in members),
            )
            assert given_back <= (3 + turns) * quota.gain_ms
            assert all(m.compensated_ms <= m.claimed_ms <= 10_000 * m.turns for m in members)


@examples
@given(lagging_sessions())
def test_a_turn_adds_no_more_than_its_frame_lag_allows(generated: RandomSession) -> None:
    for run in run_commands(generated):
        before, after = run.settled.lag, run.after.lag
        assert before is not None
        assert after is not None
        if not isinstance(run.command, c.Switch) or run.command.frame_lag_ms is None:
            continue
        for owner_id, quota in before.quotas.items():
            added = after.quotas[owner_id].quota_ms - quota.quota_ms
            assert added <= min(quota.gain_ms, run.command.frame_lag_ms + 140)


@examples
@given(lagging_sessions())
def test_no_turn_takes_less_than_no_time(generated: RandomSession) -> None:
    for run in run_commands(generated):
        if isinstance(run.result, SessionChange) and run.result.type is EventType.CYCLE_SWITCHED:
            assert run.settled.status is Status.RUNNING
            assert (run.result.time_elapsed_ms or 0) >= run.settled.cycle_used_ms
            assert compensated(run.result) <= run.now - (run.settled.cycle_started_at or 0)


@examples
@given(lagging_sessions())
def test_a_session_is_the_same_after_a_round_trip_through_json(generated: RandomSession) -> None:
    check_json(generated)
