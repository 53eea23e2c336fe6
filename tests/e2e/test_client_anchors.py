"""What clocks show, from anchors alone: the rules of each mode, on the client's side."""

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.e2e.library import run

T0 = 1_760_000_000_000
STARTED = "2025-10-09T08:53:20.000Z"


def person(name: str, left: int | None, **more: Any) -> dict[str, Any]:
    """A participant with `left` ms."""
    fields = {"participant_id": name, "time_used_ms": 0, "is_active": False, "cycle_count": 0}
    return {**fields, **({} if left is None else {"time_remaining_ms": left}), **more}


def session(mode: str, *people: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A running session whose anchor is `T0`."""
    return {
        "sync_mode": mode,
        "status": "running",
        "participants": list(people),
        "time_per_cycle_ms": None,
        "cycle_started_at": STARTED,
        "session_started_at": STARTED,
        "session_completed_at": None,
        "deadline_at": None,
        "server_time_ms": T0,
        **more,
    }


def remaining(library: Page, state: dict[str, Any], name: str, after: int) -> float | None:
    """`remaining()` so many ms after the anchor."""
    script = "(lib, [state, name, at]) => lib.remaining(state, name, at)"
    result: float | None = run(library, script, [state, name, T0 + after])
    return result


def chess(**more: Any) -> dict[str, Any]:
    """Ada's ten seconds run, Ben's stand."""
    ada, ben = person("ada", 10_000, is_active=True), person("ben", 9_000)
    fields = {"deadline_at": "2025-10-09T08:53:30.000Z", "time_remaining_ms": 10_000, **more}
    return session("per_participant", ada, ben, **fields)


@pytest.mark.parametrize(
    ("after", "ada"), [(0, 10_000), (1, 9_999), (4_000, 6_000), (10_000, 0), (60_000, 0)]
)
def test_only_the_active_bank_runs_and_never_below_zero(
    library: Page, after: int, ada: int
) -> None:
    assert remaining(library, chess(), "ada", after) == ada
    assert remaining(library, chess(), "ben", after) == 9_000


def test_a_clock_that_lags_shows_nothing_from_before_the_anchor(library: Page) -> None:
    assert remaining(library, chess(), "ada", -40) == 10_000


@pytest.mark.parametrize("status", ["paused", "expired", "completed", "cancelled", "pending"])
def test_what_does_not_run_is_frozen(library: Page, status: str) -> None:
    state = chess(status=status, cycle_started_at=None, deadline_at=None)
    assert remaining(library, state, "ada", 5_000) == 10_000


def test_a_fallen_flag_stays_down_while_the_session_runs(library: Page) -> None:
    ada = person("ada", 0, is_active=True, time_used_ms=10_000)
    state = session("per_participant", ada, person("ben", 9_000), time_remaining_ms=0)
    assert remaining(library, state, "ada", 5_000) == 0
    script = "(lib, [state, at]) => lib.used(state, state.participants[0], at)"
    assert run(library, script, [state, T0 + 5_000]) == 10_000


def test_in_per_cycle_the_turn_runs_and_others_show_theirs_full(library: Page) -> None:
    state = session(
        "per_cycle",
        person("ada", 20_000, is_active=True),
        person("ben", 30_000),
        deadline_at="2025-10-09T08:53:40.000Z",
        time_remaining_ms=20_000,
    )
    assert remaining(library, state, "ada", 3_000) == 17_000
    assert remaining(library, state, "ben", 3_000) == 30_000


def test_in_per_group_all_members_share_the_bank(library: Page) -> None:
    groups = [
        {"group_id": "red", "time_remaining_ms": 30_000, "is_active": True},
        {"group_id": "blue", "time_remaining_ms": 40_000, "is_active": False},
    ]
    state = session(
        "per_group",
        person("ada", 30_000, is_active=True, group_id="red"),
        person("cleo", 30_000, group_id="red"),
        person("ben", 40_000, group_id="blue"),
        groups=groups,
        active_group_id="red",
        deadline_at="2025-10-09T08:53:50.000Z",
        time_remaining_ms=30_000,
    )
    shown = [remaining(library, state, name, 1_000) for name in ("ada", "cleo", "ben")]
    assert shown == [29_000, 29_000, 40_000]
    script = "(lib, [s, at]) => s.groups.map((group) => lib.remainingOf(s, group, at))"
    assert run(library, script, [state, T0 + 1_000]) == [29_000, 40_000]


def quiz(cycle_left: int, nearest: int, used: int) -> dict[str, Any]:
    """A minute for all, ten seconds a question."""
    people = (
        person("ada", min(cycle_left, nearest), is_active=True, time_used_ms=used),
        person("ben", min(cycle_left, nearest)),
    )
    return session(
        "global",
        *people,
        total_time_ms=60_000,
        time_per_cycle_ms=10_000,
        time_remaining_ms=nearest,
    )


@pytest.mark.parametrize(
    ("state", "after", "clocks"),
    [
        (quiz(10_000, 10_000, 0), 4_000, {"session": 56_000, "cycle": 6_000}),
        (quiz(0, 50_000, 10_000), 4_000, {"session": 46_000, "cycle": 0}),
        (quiz(3_000, 3_000, 57_000), 4_000, {"session": 0, "cycle": 0}),
    ],
    ids=["both run", "the cycle is over", "the session ends first"],
)
def test_global_has_two_clocks(
    library: Page, state: dict[str, Any], after: int, clocks: dict[str, int]
) -> None:
    script = "(lib, [state, at]) => lib.sharedClocks(state, at)"
    assert run(library, script, [state, T0 + after]) == clocks


def test_count_up_adds_everybodys_time_and_the_running_cycle(library: Page) -> None:
    ada, ben = person("ada", None, time_used_ms=7_000), person("ben", None, is_active=True)
    state = session("count_up", ada, ben)
    script = "(lib, [state, at]) => [lib.elapsed(state, at), lib.nearest(state, at)]"
    assert run(library, script, [state, T0 + 2_000]) == [9_000, None]


def test_count_up_stops_at_its_ceiling(library: Page) -> None:
    ada = person("ada", 3_000, is_active=True, time_used_ms=7_000)
    state = session("count_up", ada, max_time_ms=10_000, time_remaining_ms=3_000)
    script = "(lib, [state, at]) => [lib.elapsed(state, at), lib.nearest(state, at)]"
    assert run(library, script, [state, T0 + 2_000]) == [9_000, 1_000]
    assert run(library, script, [state, T0 + 9_000]) == [10_000, 0]
