"""Comparing a soak test's answers with the audit trail: changes that may be missing."""

from collections.abc import Sequence

import pytest

from tests.resilience.soak.comparison import Row, TrailComparison, compare_rows
from tests.resilience.soak.players import AcceptedChange, AnswerLog
from tests.resilience.soak.store import Failover

_KILLED_AT = 1000.0
_FAILOVER = Failover(frozenset({"{s1}"}), _KILLED_AT)


def accepted(version: int, *, at: float = 0.0, session: str = "a") -> AcceptedChange:
    """A change that was acknowledged at `at`, s."""
    return AcceptedChange(session, version, f"{session}-{version}-{at}", at)


def row(change: AcceptedChange, *, is_requested: bool = True) -> Row:
    """The change's row in the trail."""
    return change.session_id, change.version, change.request_id, 50.0, is_requested


def verdict(
    changes: Sequence[AcceptedChange],
    rows: Sequence[Row],
    *,
    shard: str = "{s1}",
    refused: dict[str, str] | None = None,
    lag_s: float = 0.0,
) -> TrailComparison:
    """The comparison after the primary of `{s1}` was killed, with every session on `shard`."""
    answers = AnswerLog(lambda: None, list(changes), refused or {})
    return compare_rows(rows, answers, [_FAILOVER], lambda _: shard, lag_s)


def test_a_trail_that_holds_every_change_once_has_no_faults() -> None:
    changes = [accepted(version) for version in (1, 2, 3)]
    found = verdict(changes, [row(change) for change in changes])
    assert (found.rows, found.faults, found.lost) == (3, (), ())


def test_a_flag_fall_that_a_request_settled_is_not_a_second_change() -> None:
    first, second = accepted(1), accepted(3)
    settled = (first.session_id, 2, second.request_id, 50.0, False)
    assert verdict([first, second], [row(first), settled, row(second)]).faults == ()


def test_a_request_that_was_executed_twice_is_a_fault() -> None:
    first, second = accepted(1), accepted(3)
    doubled = (first.session_id, 2, second.request_id, 50.0, True)
    found = verdict([first, second], [row(first), doubled, row(second)])
    assert found.faults == (f"request {second.request_id} made versions [2, 3]",)


@pytest.mark.parametrize("before_s", [-0.25, 0.0, 0.5])
def test_a_change_acknowledged_just_before_its_primary_was_killed_is_lost(before_s: float) -> None:
    kept, gone = accepted(1), accepted(2, at=_KILLED_AT - before_s)
    again = accepted(2, at=_KILLED_AT + 2)
    found = verdict([kept, gone, again], [row(kept), row(again)])
    assert (found.faults, found.lost) == ((), (gone,))
    assert found.oldest_lost_s == max(before_s, 0)


@pytest.mark.parametrize(
    ("at", "shard"),
    [
        (_KILLED_AT - 1.1, "{s1}"),
        (_KILLED_AT + 0.6, "{s1}"),
        (_KILLED_AT - 0.1, "{s2}"),
    ],
    ids=["too early", "after the failover", "on another shard"],
)
def test_every_other_missing_change_is_a_fault(at: float, shard: str) -> None:
    kept, gone, again = accepted(1), accepted(2, at=at), accepted(2, at=_KILLED_AT + 2)
    found = verdict([kept, gone, again], [row(kept), row(again)], shard=shard)
    assert found.lost == ()
    assert len(found.faults) == 1
    assert str(gone) in found.faults[0]


def test_the_last_changes_of_a_session_may_be_lost() -> None:
    kept, gone = accepted(1), accepted(2, at=_KILLED_AT)
    assert verdict([kept, gone], [row(kept)]).faults == ()


def test_a_refusal_is_a_fault_unless_its_session_lost_a_change() -> None:
    kept, gone = accepted(1), accepted(2, at=_KILLED_AT)
    refused = {"a": "POST /v1/sessions/a/resume was answered 409"}
    assert verdict([kept, gone], [row(kept)], refused=refused).faults == ()
    (fault,) = verdict([kept], [row(kept)], refused=refused).faults
    assert refused["a"] in fault


def test_a_missing_version_is_a_fault() -> None:
    first, third = accepted(1), accepted(3)
    faults = verdict([first, third], [row(first), row(third)]).faults
    assert "session a has versions 1 to 3 without [2]" in faults


def test_a_change_that_did_not_reach_the_replica_is_lost_even_if_the_trail_has_it() -> None:
    kept, gone = accepted(1), accepted(2, at=_KILLED_AT - 0.25)
    changes, rows = [kept, gone], [row(kept), row(gone)]
    refused = {"a": "POST /v1/sessions/a/resume was answered 400"}
    found = verdict(changes, rows, refused=refused, lag_s=0.5)
    assert (found.faults, found.lost, found.lost_in_trail) == ((), (gone,), 1)
    assert verdict(changes, rows, refused=refused).lost == ()
    assert len(verdict(changes, rows, refused=refused).faults) == 1


def test_a_change_replaced_in_the_trail_by_a_lost_one_is_a_fault() -> None:
    kept, gone = accepted(1), accepted(2, at=_KILLED_AT - 0.25)
    later = accepted(2, at=_KILLED_AT + 2)
    (fault,) = verdict([kept, gone, later], [row(kept), row(gone)], lag_s=0.5).faults
    assert str(later) in fault
