"""The Python client reads a session's clocks from the clocks of its state."""

from typing import Any

import pytest
from synckairos.api_types import Participant, SessionState
from synckairos.session_clocks import (
    elapsed,
    nearest,
    offset,
    over,
    overtime,
    remaining,
    scheduled_in,
    shared_clocks,
    starts_in,
    used,
)

from tests.clients.states import ADA, BEN, T0, clock, participant, session_state, timestamp

_UUID = "5a7f9a52-6a2c-4d0c-9a38-0f1f4c3b7d10"


@pytest.mark.parametrize(("after_ms", "remaining_ms"), [(-40, 10_000), (4_000, 6_000), (60_000, 0)])
def test_only_the_active_clock_runs_from_its_start_and_down_to_zero(
    after_ms: int, remaining_ms: int
) -> None:
    assert remaining(session_state(), ADA, T0 + after_ms) == remaining_ms
    assert remaining(session_state(), BEN, T0 + after_ms) == 9_000
    assert nearest(session_state(), T0 + after_ms) == remaining_ms


@pytest.mark.parametrize("status", ["paused", "expired", "completed", "cancelled", "pending"])
def test_the_clocks_of_a_session_that_is_not_running_stand_still(status: str) -> None:
    state = session_state(status=status, cycle_started_at=None, deadline_at=None)
    assert remaining(state, ADA, T0 + 5_000) == 10_000
    assert nearest(state, T0 + 5_000) == 10_000
    assert elapsed(state, T0 + 5_000) == 0


@pytest.mark.parametrize(
    "mode", ["per_cycle", "per_group", "global", "count_up", "a mode of the future"]
)
def test_clocks_depend_neither_on_the_mode_nor_on_other_fields_of_the_state(mode: str) -> None:
    fields = {"time_per_cycle_ms": 1_000, "total_time_ms": 2_000, "max_time_ms": 1}
    state = session_state(sync_mode=mode, deadline_at=None, time_remaining_ms=7, **fields)
    assert remaining(state, ADA, T0 + 4_000) == 6_000
    assert nearest(state, T0 + 4_000) == 6_000
    assert elapsed(state, T0 + 4_000) == 4_000


def test_an_expired_clock_stays_at_zero_while_the_session_runs() -> None:
    ada = participant(ADA, 0, is_active=True, time_used_ms=10_000)
    state = session_state(participants=[ada], elapsed_clock=clock(10_000))
    assert remaining(state, ADA, T0 + 5_000) == 0
    assert used(state, ADA, T0 + 5_000) == 10_000


def test_used_time_grows_with_the_elapsed_time_for_the_active_participant_only() -> None:
    people = [
        participant(ADA, 5_000, is_active=True, time_used_ms=700),
        participant(BEN, 9_000, time_used_ms=300),
    ]
    state = session_state(participants=people, elapsed_clock=clock(1_000, 1, ceiling_ms=6_000))
    assert (used(state, ADA, T0 + 200), used(state, BEN, T0 + 200)) == (900, 300)
    assert used(state, ADA, T0 + 90_000) == 5_700


def test_only_a_pending_session_with_an_instant_starts_by_itself() -> None:
    pending: dict[str, Any] = {"status": "pending", "cycle_started_at": None, "deadline_at": None}
    start_at = timestamp(T0 + 20_000)
    scheduled = session_state(**pending, start_at=start_at)
    assert [starts_in(scheduled, T0 + ms) for ms in (500, 20_500)] == [19_500, 0]
    assert starts_in(session_state(**pending), T0) is None
    assert starts_in(session_state(start_at=start_at), T0) is None


def test_a_scheduled_command_can_be_counted_down_to() -> None:
    pending: dict[str, Any] = {"status": "pending", "cycle_started_at": None, "deadline_at": None}
    at = timestamp(T0 + 9_000)
    starting = session_state(
        **pending,
        start_at=timestamp(T0 + 20_000),
        scheduled={"operation": "start", "effective_at": at},
    )
    assert (starts_in(starting, T0), scheduled_in(starting, T0)) == (9_000, 9_000)
    pausing = session_state(scheduled={"operation": "pause", "effective_at": at})
    assert (starts_in(pausing, T0), scheduled_in(pausing, T0 + 9_500)) == (None, 0)
    assert scheduled_in(session_state(), T0) is None


def test_an_unknown_participant_has_no_clock() -> None:
    assert remaining(session_state(), "unknown", T0) is None
    assert used(session_state(), "unknown", T0) is None


def test_uuids_are_found_in_any_case_and_other_ids_only_as_they_are() -> None:
    names = {_UUID: 10_000, "Ada": 9_000, "ada": 8_000}
    state = session_state(participants=[participant(name, ms) for name, ms in names.items()])
    for name, ms in names.items():
        assert remaining(state, name, T0) == ms
    assert remaining(state, _UUID.upper(), T0) == 10_000
    assert used(state, _UUID.upper(), T0) == 0
    assert remaining(state, "ADA", T0) is None


def test_without_a_clock_there_is_no_time_left() -> None:
    state = session_state(participants=[participant(ADA, None)])
    del state["clock"]
    assert (remaining(state, ADA, T0), nearest(state, T0)) == (None, None)
    assert shared_clocks(state, T0) == (None, None)


def test_a_participant_who_joins_late_changes_neither_elapsed_time_nor_the_session_clock() -> None:
    clocks: Any = {
        "sync_mode": "global",
        "elapsed_clock": clock(2_006, 1),
        "session_clock": clock(57_994, -1),
        "cycle_clock": clock(8_000, -1),
        "total_time_ms": 60_000,
        "time_per_cycle_ms": 10_000,
    }
    empty = session_state(**clocks, participants=[])
    joined = session_state(**clocks, participants=[participant(ADA, 8_000, is_active=True)])
    for at in (T0, T0 + 304):
        assert elapsed(joined, at) == elapsed(empty, at)
        assert shared_clocks(joined, at) == shared_clocks(empty, at)
    assert elapsed(joined, T0 + 304) == 2_310
    assert shared_clocks(joined, T0 + 304) == (57_690, 7_696)


@pytest.mark.parametrize(
    ("was_in_use", "further", "after_ms", "in_use", "periods_left"),
    [
        (False, 5, 1_999, False, 5),
        (False, 5, 2_000, True, 5),
        (False, 5, 32_000, True, 4),
        (True, 4, 1_999, True, 5),
        (True, 4, 2_000, True, 4),
        (True, 4, 121_999, True, 1),
        (True, 4, 122_000, True, 0),
    ],
)
def test_the_periods_that_are_left_at_an_instant(
    was_in_use: bool, further: int, after_ms: int, in_use: bool, periods_left: int
) -> None:
    line = clock(2_000, -1, phases=[{"ms": 30_000, "count": further}])
    sent = {"in_use": was_in_use, "periods_left": 5}
    state = session_state(participants=[participant(ADA, 2_000, clock=line, overtime=sent)])
    expected = {"in_use": in_use, "periods_left": periods_left}
    assert overtime(state, _first(state), T0 + after_ms) == expected


@pytest.mark.parametrize(
    ("after_ms", "in_use", "shown"), [(999, False, 1), (1_000, True, 0), (6_000, True, -5_000)]
)
def test_an_overtime_below_zero_is_in_use_from_zero_on(
    after_ms: int, in_use: bool, shown: int
) -> None:
    line = clock(1_000, -1, floor_ms=-60_000)
    ada = participant(ADA, 61_000, clock=line, overtime={"in_use": False})
    state = session_state(participants=[ada])
    assert overtime(state, _first(state), T0 + after_ms) == {"in_use": in_use}
    assert remaining(state, ADA, T0 + after_ms) == shown


def test_a_participant_without_overtime_has_none() -> None:
    state = session_state()
    assert overtime(state, _first(state), T0) is None


def _first(state: SessionState) -> Participant:
    return state["participants"][0]


_BELOW = clock(1_000, -1, floor_ms=-60_000)


def test_with_overtime_a_clock_goes_on_below_zero_and_says_by_how_much() -> None:
    people = [participant(ADA, 1_000, is_active=True, clock=_BELOW), participant(BEN, 9_000)]
    state = session_state(participants=people, overtime=True, clock=_BELOW)
    at = T0 + 4_000
    assert remaining(state, ADA, at) == -3_000
    assert (over(state, ADA, at), over(state, None, at), over(state, BEN, at)) == (3_000, 3_000, 0)
    assert over(state, "nobody", at) is None
    assert over(session_state(), None, T0 + 99_000) is None


def test_of_two_shared_clocks_the_one_further_below_zero_is_over() -> None:
    longer = clock(2_000, -1, floor_ms=-60_000)
    clocks: dict[str, Any] = {"clock": _BELOW, "cycle_clock": _BELOW, "session_clock": longer}
    state = session_state(sync_mode="global", participants=[], overtime=True, **clocks)
    assert over(state, None, T0 + 5_000) == 4_000


def test_the_offset_of_a_programme_grows_while_its_item_is_below_zero() -> None:
    clocks: dict[str, Any] = {"clock": _BELOW, "cycle_clock": _BELOW}
    state = session_state(participants=[], overtime=True, offset_ms=-500, **clocks)
    assert (offset(state, T0 + 1_000), offset(state, T0 + 4_000)) == (-500, 2_500)
    assert offset(session_state(offset_ms=700), T0 + 4_000) == 700
    assert offset(session_state(), T0) is None
