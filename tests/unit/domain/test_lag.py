"""Lag compensation (docs/time-controls.md). Expected values are calculated by hand."""

import msgspec
import pytest

from shared.domain import commands as c
from shared.domain.errors import NotActiveParticipant, RuleViolation
from shared.domain.events import SessionChange
from shared.domain.lag import Lag, LagQuota, LagTotals
from shared.domain.session import Session, Status, SyncMode
from shared.domain.settlement import settle
from shared.domain.time_control import Overtime, StartOn, TimeControl
from shared.domain.timekeeping import flag_grace, is_flag_open, next_wakeup
from shared.domain.transition import transition
from shared.domain.undo import UndoMode
from shared.domain.units import Instant, Millis
from tests.unit.domain.scenarios import (
    ANNA,
    BEN,
    BLUE,
    CLEO,
    RED,
    Play,
    chess,
    exam,
    fields_of,
    on_timeout,
    open_session,
    play,
    poker,
    race,
    seat,
    teams,
)

ON = Lag()


def switch(
    position: Play,
    at: int,
    *,
    acted: int | None = None,
    error: int | None = 0,
    frame_lag: int | None = None,
    **who: str,
) -> Play:
    """End the turn at `at`, with a claim if the instant of acting is given."""
    claim = c.Switch(
        acted_at_ms=acted,
        error_ms=None if error is None else Millis(error),
        frame_lag_ms=None if frame_lag is None else Millis(frame_lag),
        **who,
    )
    return position.do(claim, at)


def quota(session: Session, owner: str = ANNA) -> LagQuota:
    assert session.lag is not None
    return session.lag.quotas[owner]


def totals(session: Session, participant: str = ANNA) -> LagTotals:
    assert session.lag is not None
    return session.lag.totals[participant]


@pytest.mark.parametrize(
    ("bank", "increment", "gain"),
    [
        (60_000, 0, 390),  # 60 s: 24 + 15 = 39
        (60_000, 1_000, 550),  # 100 s: 40 + 15 = 55
        (1_000, 0, 150),  # 1 s: 0 + 15
        (15_000, 0, 210),  # 15 s: 6 + 15 = 21
        (180_000, 0, 870),  # 180 s: 72 + 15 = 87
        (180_000, 2_000, 1_000),  # 260 s: 104 + 15 = 119, at most 100
        (600_000, 0, 1_000),
    ],
)
def test_the_gain_follows_the_estimated_time_of_the_game(
    bank: int, increment: int, gain: int
) -> None:
    session = chess(bank, increment=increment, lag=ON)
    assert quota(session) == LagQuota(Millis(gain), Millis(3 * gain))


def test_a_given_gain_replaces_that_of_the_time() -> None:
    session = chess(600_000, lag=Lag(Millis(50)))
    assert quota(session) == LagQuota(Millis(50), Millis(150))


def test_a_minute_after_lags_of_0_and_3_s() -> None:
    position = switch(play(chess(60_000, lag=ON)).start(), 0, acted=0)
    assert quota(position.session).quota_ms == 1_560  # 1 170 + 390
    position = switch(position, 0)
    position = switch(position, 3_000, acted=0)
    assert position.clock(ANNA, 3_000) == 58_560  # 60 000 - (3 000 - 1 560)
    assert quota(position.session).quota_ms == 390  # 1 560 + 390 - 1 560
    assert totals(position.session) == LagTotals(2, Millis(3_000), Millis(1_560), Millis(0))


def test_ten_minutes_after_a_lag_of_4_s() -> None:
    position = switch(play(chess(600_000, lag=ON)).start(), 4_000, acted=0)
    assert position.clock(ANNA, 4_000) == 599_000
    assert quota(position.session).quota_ms == 1_000


def test_a_turn_costs_what_it_took_without_the_lag() -> None:
    position = switch(play(chess(60_000, increment=2_000, lag=ON)).start(), 5_000, acted=4_700)
    assert position.clock(ANNA, 5_000) == 60_000 - 4_700 + 2_000
    assert position.used(ANNA, 5_000) == 4_700
    assert position.last_change.time_elapsed_ms == 4_700
    assert position.session.cycle_started_at == 5_000
    assert position.clock(BEN, 5_500) == 59_500


def test_the_quota_is_never_above_seven_gains() -> None:
    position = play(chess(60_000, lag=Lag(Millis(100)))).start()
    for turn in range(1, 11):
        position = switch(position, 2 * turn - 1)
        assert quota(position.session).quota_ms == min(300 + 100 * turn, 700)
        position = switch(position, 2 * turn)


@pytest.mark.parametrize(
    ("bank", "thought", "lags", "left"),
    [
        (600_000, 0, [0], 600_000),
        (600_000, 0, [200], 600_000),
        (600_000, 0, [4_000], 599_000),
        (600_000, 1_000, [0], 599_000),
        (600_000, 1_000, [200], 599_000),
        (600_000, 1_000, [4_000], 598_000),
        (600_000, 0, [0, 0], 600_000),
        (600_000, 0, [3_000, 3_000], 598_000),
        (600_000, 0, [0, 3_000], 600_000),
        (600_000, 0, [*[0] * 8, 8_000], 599_000),
        (600_000, 0, [*[0] * 5, 5_000, 6_000], 597_000),
        (600_000, 0, [*[0] * 5, 5_000, 5_000, 5_000], 594_000),
        (60_000, 0, [0, 0], 60_000),
        (60_000, 0, [0, 3_000], 58_560),
        (60_000, 0, [*[0] * 4, 7_000], 55_730),
    ],
)
def test_the_games_of_the_tests_of_scalachess(
    bank: int, thought: int, lags: list[int], left: int
) -> None:
    """The cases of scalachess's `ClockLagCompTest`, which counts in centiseconds."""
    position, at = play(chess(bank, lag=ON)).start(), 0
    for lag in lags:
        arrives = at + thought + lag
        position = switch(switch(position, arrives, acted=at + thought), arrives)
        at = arrives
    assert position.clock(ANNA, at) == left


@pytest.mark.parametrize(
    ("bank", "frame_lag", "gain"),
    [
        (60_000, 0, 140),
        (60_000, 20, 160),
        (60_000, 249, 389),
        (60_000, 250, 390),
        (60_000, 10_000, 390),
        (600_000, 300, 440),
        (600_000, 859, 999),
        (600_000, 860, 1_000),
        (600_000, None, 1_000),
    ],
)
def test_a_turn_adds_at_most_the_frame_lag_and_140_ms(
    bank: int, frame_lag: int | None, gain: int
) -> None:
    before = play(chess(bank, lag=ON)).start()
    position = switch(before, 5_000, frame_lag=frame_lag)
    own = quota(before.session).gain_ms
    assert quota(position.session) == LagQuota(own, Millis(3 * own + gain))
    assert quota(position.session, BEN) == quota(before.session, BEN)
    assert totals(position.session).frame_lag_ms == frame_lag


def test_a_frame_lag_counts_from_its_own_switch_until_the_next_is_sent() -> None:
    position = play(chess(60_000, lag=Lag(Millis(300)))).start()
    seen = []
    for turn, frame_lag in enumerate((None, 20, None, 50, 5_000)):
        position = switch(position, 20 * turn + 10, frame_lag=frame_lag)
        seen.append(quota(position.session).quota_ms)
        position = switch(position, 20 * turn + 20)
    assert seen == [1_200, 1_360, 1_520, 1_710, 2_010]
    assert quota(position.session, BEN).quota_ms == 2_100


def test_a_frame_lag_leaves_the_quota_that_there_is() -> None:
    position = switch(play(chess(60_000, lag=ON)).start(), 3_000, acted=0, frame_lag=20)
    assert position.clock(ANNA, 3_000) == 60_000 - (3_000 - 1_170)
    assert quota(position.session).quota_ms == 160
    assert position.last_change.metadata == {
        "next_participant_id": BEN,
        "lag": {"claimed_ms": 3_000, "compensated_ms": 1_170, "error_ms": 0, "frame_lag_ms": 20},
    }


def test_a_frame_lag_never_raises_a_given_gain() -> None:
    position = switch(play(chess(60_000, lag=Lag(Millis(50)))).start(), 1_000, frame_lag=500)
    assert quota(position.session) == LagQuota(Millis(50), Millis(200))


def test_the_members_of_a_group_have_their_own_frame_lags() -> None:
    position = switch(play(teams(30_000, RED, BLUE, RED, lag=ON)).start(), 10, frame_lag=20)
    assert quota(position.session, RED).quota_ms == 1_170 + 160
    position = switch(switch(position, 20), 30)  # of Ben, and of Cleo without a frame lag
    assert quota(position.session, RED).quota_ms == 1_170 + 160 + 390
    assert totals(position.session, CLEO).frame_lag_ms is None


def test_without_lag_compensation_a_frame_lag_has_no_effect() -> None:
    plain = play(chess(60_000)).start()
    assert switch(plain, 5_000, frame_lag=0).steps == switch(plain, 5_000).steps


def test_a_session_without_frame_lags_is_stored_as_before() -> None:
    position = switch(play(chess(60_000, lag=ON)).start(), 1_000, acted=900)
    assert b"frame" not in msgspec.json.encode(position.session)
    known = switch(play(chess(60_000, lag=ON)).start(), 1_000, frame_lag=0).session
    assert msgspec.json.decode(msgspec.json.encode(known), type=Session) == known


@pytest.mark.parametrize(
    ("acted", "error", "claimed"),
    [
        (19_000, 0, 1_000),
        (19_000, 400, 600),
        (19_000, 1_001, 0),  # the clock may be wrong by more than the lag
        (19_000, None, 0),  # how wrong the clock is, isn't known
        (21_000, 0, 0),  # in the future
        (9_000, 0, 10_000),  # at most 10 s
        (0, 2**53 - 1, 0),
    ],
)
def test_a_claim_is_bounded(acted: int, error: int | None, claimed: int) -> None:
    position = switch(play(chess(600_000, lag=ON)).start(), 20_000, acted=acted, error=error)
    assert position.last_change.metadata == {
        "next_participant_id": BEN,
        "lag": {
            "claimed_ms": claimed,
            "compensated_ms": min(claimed, 3_000),
            "error_ms": error,
        },
    }
    assert position.clock(ANNA, 20_000) == 580_000 + min(claimed, 3_000)


def test_a_claim_never_reaches_before_the_turn() -> None:
    position = switch(play(chess(600_000, lag=ON)).start(at=50_000), 50_900, acted=0)
    assert totals(position.session).claimed_ms == 900
    assert position.clock(ANNA, 50_900) == 600_000


def test_a_claim_never_reaches_before_a_change_within_the_turn() -> None:
    paused = play(chess(600_000, lag=ON)).start().pause(at=5_000).resume(at=9_000)
    position = switch(paused, 9_200, acted=4_900)
    assert totals(position.session).claimed_ms == 200
    adjusted = play(chess(600_000, lag=ON)).start().adjust(ANNA, 10_000, at=5_000)
    assert switch(adjusted, 5_100, acted=0).clock(ANNA, 5_100) == 10_000


def test_without_a_claim_the_quota_grows_and_the_event_has_no_lag() -> None:
    position = switch(play(chess(60_000, lag=ON)).start(), 1_000, error=None)
    assert position.clock(ANNA, 1_000) == 59_000
    assert quota(position.session).quota_ms == 1_560
    assert totals(position.session) == LagTotals(turns=1)
    assert position.last_change.metadata == {"next_participant_id": BEN}


def test_without_lag_compensation_a_claim_has_no_effect() -> None:
    plain = play(chess(60_000)).start()
    assert switch(plain, 5_000, acted=0).steps == switch(plain, 5_000, error=None).steps


def test_a_session_without_lag_compensation_is_stored_as_before() -> None:
    assert b"lag" not in msgspec.json.encode(chess(60_000))
    assert msgspec.json.decode(msgspec.json.encode(chess(60_000, lag=ON)), type=Session) == chess(
        60_000, lag=ON
    )


def test_the_worst_error_is_kept() -> None:
    position = play(chess(60_000, lag=ON)).start()
    for turn, error in enumerate((7, 30, None, 12)):
        position = switch(position, 20 * turn + 10, acted=20 * turn, error=error)
        position = switch(position, 20 * turn + 20)
    assert totals(position.session).worst_error_ms == 30
    assert totals(position.session, BEN).worst_error_ms is None


def test_the_flag_falls_at_the_deadline_but_is_settled_later() -> None:
    ending = chess(1_000, 60_000, lag=ON, action_on_timeout=on_timeout("end_session"))
    position = play(ending).start()
    assert flag_grace(position.session) == 450  # 3 * 150
    assert (position.deadline, next_wakeup(position.session)) == (1_000, 1_450)
    waiting = position.until(1_449)
    assert waiting.session == position.session
    assert is_flag_open(waiting.session, Instant(1_449))
    assert not is_flag_open(waiting.session, Instant(999))
    fallen = position.until(1_450)
    assert fallen.expired_at == [(1_000, ANNA)]
    assert fallen.status is Status.EXPIRED
    assert fallen.session.session_completed_at == 1_000
    assert fallen.session.version == position.session.version + 1
    assert fallen.used(ANNA, 1_450) == 1_000


def test_a_flag_waits_at_most_2_s() -> None:
    assert flag_grace(play(chess(600_000, lag=ON)).start().session) == 2_000


def test_a_session_without_lag_compensation_settles_its_flag_at_once() -> None:
    position = play(chess(1_000, 60_000)).start()
    assert next_wakeup(position.session) == 1_000
    assert position.until(1_000).expired_at == [(1_000, ANNA)]


def test_a_turn_that_was_over_before_the_deadline_is_no_flag() -> None:
    position = play(chess(1_000, 60_000, lag=ON)).start()
    position = switch(position, 1_300, acted=990)
    assert (position.expiries, position.active) == ([], BEN)
    assert position.clock(ANNA, 1_300) == 10  # 1 000 - (1 300 - 310)
    assert position.last_change.expiry is None
    assert position.clock(BEN, 1_400) == 59_900


@pytest.mark.parametrize("acted", [1_000, 1_100, None])
def test_a_turn_that_took_all_of_its_time_is_a_flag(acted: int | None) -> None:
    position = switch(play(chess(1_000, 60_000, lag=ON)).start(), 1_300, acted=acted)
    assert position.expired_at == [(1_000, ANNA)]
    assert position.active == BEN
    assert position.session.version == 4
    assert position.last_change.expiry is not None


def test_a_quota_that_is_too_small_does_not_save_a_flag() -> None:
    position = play(chess(1_000, 60_000, lag=Lag(Millis(10)))).start()
    assert switch(position, 1_029, acted=0).expiries == []
    assert switch(position, 1_030, acted=0).expired_at == [(1_000, ANNA)]


def test_the_next_turn_begins_at_the_deadline_if_the_flag_falls() -> None:
    ahead = chess(1_000, 60_000, lag=ON, auto_advance=True)
    position = play(ahead).start().until(1_450)
    assert (position.active, position.session.cycle_started_at) == (BEN, 1_000)
    assert position.clock(BEN, 1_450) == 59_550


@pytest.mark.parametrize("command", [c.Pause(), c.Complete(), c.Cancel(), c.Delete()])
def test_another_command_ends_the_wait(command: c.Command) -> None:
    position = play(chess(1_000, 60_000, lag=ON)).start().do(command, 1_100)
    assert position.expired_at == [(1_000, ANNA)]
    assert position.session.version == 4


def test_a_refused_switch_of_the_opponent_does_not_end_the_wait() -> None:
    skipping = chess(1_000, 60_000, lag=ON, action_on_timeout=on_timeout("skip_cycle"))
    session = play(skipping).start().session
    opponents = c.Switch(None, BEN)
    assert list(settle(session, Instant(1_100), opponents)) == []
    with pytest.raises(NotActiveParticipant):
        transition(session, opponents, Instant(1_100))
    assert switch(play(session), 1_200, acted=900, current_participant_id=ANNA).expiries == []


def test_an_advance_does_not_end_the_wait() -> None:
    session = play(chess(1_000, 60_000, lag=ON)).start().session
    assert list(settle(session, Instant(1_100), c.Advance(Millis(50)))) == []


def test_a_late_switch_is_refused_after_the_flag_has_begun_the_next_turn() -> None:
    skipping = chess(1_000, 60_000, lag=ON, action_on_timeout=on_timeout("skip_cycle"))
    position = play(skipping).start()
    with pytest.raises(NotActiveParticipant):
        switch(position, 1_200, acted=1_050, current_participant_id=ANNA)


def test_warnings_come_while_the_flag_waits() -> None:
    warned = chess(1_000, 60_000, lag=ON, warn_at_ms=(Millis(100),))
    assert play(warned).start().until(1_200).warned_at == [(900, 100)]


def test_a_clock_at_zero_gets_nothing_back() -> None:
    position = play(chess(1_000, 60_000, lag=ON)).start().until(5_000)
    before = position.session.lag
    position = switch(position, 6_000, acted=5_500)
    assert position.session.lag == before
    assert position.clock(ANNA, 6_000) == 0
    assert (position.last_change.metadata or {})["lag"]["compensated_ms"] == 0


def test_a_free_first_turn_gets_nothing_back() -> None:
    control = TimeControl(start_on=StartOn.FIRST_TURN)
    position = switch(play(chess(60_000, lag=ON, time_control=control)).start(), 900, acted=0)
    assert position.clock(ANNA, 900) == 60_000
    assert quota(position.session).quota_ms == 1_170


def test_overtime_that_was_not_used_comes_back() -> None:
    control = TimeControl(overtime=Overtime(period_ms=Millis(1_000), periods=3))
    session = open_session(
        SyncMode.PER_PARTICIPANT, seat(ANNA, 0), seat(BEN, 0), time_control=control, lag=ON
    )
    position = switch(play(session).start(), 1_200, acted=900)
    anna = position.session.find(ANNA)
    assert anna is not None
    assert (anna.reserve.periods, anna.reserve.period_ms) == (2, 1_000)


def test_the_members_of_a_group_share_its_quota_but_not_the_sums() -> None:
    session = teams(30_000, RED, BLUE, RED, lag=ON)
    assert quota(session, RED).gain_ms == 390  # the group has 60 s
    assert quota(session, BLUE).gain_ms == 270  # 30 s: 12 + 15
    position = switch(play(session).start(), 1_500, acted=0)
    assert position.clock(ANNA, 1_500) == 60_000 - (1_500 - 1_170)
    assert quota(position.session, RED).quota_ms == 390
    position = switch(switch(position, 1_500), 2_500, acted=1_500)
    assert totals(position.session, CLEO) == LagTotals(1, Millis(1_000), Millis(390), Millis(0))
    assert totals(position.session).turns == 1


def test_a_newcomer_has_a_quota_by_its_own_time() -> None:
    position = play(chess(60_000, lag=ON)).start().join(seat(CLEO, 600_000), at=10)
    assert quota(position.session, CLEO) == LagQuota(Millis(1_000), Millis(3_000))
    assert quota(position.session).gain_ms == 390


def test_each_participant_has_the_gain_of_its_own_control() -> None:
    session = open_session(
        SyncMode.PER_PARTICIPANT,
        seat(ANNA, 60_000),
        c.NewParticipant(
            BEN, None, Millis(60_000), time_control=TimeControl(increment_ms=Millis(1_000))
        ),
        lag=ON,
    )
    assert (quota(session).gain_ms, quota(session, BEN).gain_ms) == (390, 550)


@pytest.mark.parametrize("opened", [poker, exam, race])
def test_lag_compensation_needs_a_mode_with_banks(opened: object) -> None:
    assert callable(opened)
    with pytest.raises(RuleViolation) as refused:
        opened(5_000, lag=ON)
    assert fields_of(refused.value) == [("lag", "not_allowed")]


def test_a_saved_switch_and_a_flag_are_one_version_each() -> None:
    position = play(chess(1_000, 60_000, lag=ON)).start()
    saved = switch(position, 1_300, acted=990)
    assert [s.type for s in changes_of(saved)] == ["session_started", "cycle_switched"]
    fallen = changes_of(switch(position, 1_300))
    assert [s.type for s in fallen] == ["session_started", "time_expired", "cycle_switched"]
    assert [s.session.version for s in fallen] == [2, 3, 4]


def changes_of(position: Play) -> list[SessionChange]:
    return [step for step in position.steps if isinstance(step, SessionChange)]


def test_an_undo_keeps_the_quota_and_the_sums() -> None:
    position = switch(play(chess(60_000, lag=ON)).start(), 3_000, acted=0)
    undone = position.do(c.Undo(UndoMode.BEFORE_SWITCH), 4_000)
    assert undone.clock(ANNA, 4_000) == 60_000 - (3_000 - 1_170)
    assert undone.session.lag == position.session.lag
