"""The verdict of a soak: what may be missing from the trail, and what may not."""

from collections.abc import Sequence

import pytest

from tests.resilience.soak.comparison import Row, TrailComparison, compare_rows
from tests.resilience.soak.players import AcceptedChange, AnswerLog
from tests.resilience.soak.store import Failover

_KILLED_AT = 1000.0
_FAILOVER = Failover(frozenset({"{s1}"}), _KILLED_AT)


def accepted(version: int, *, at: float = 0.0, session: str = "a") -> AcceptedChange:
    """A change that was acknowledged at that time."""
    return AcceptedChange(session, version, f"{session}-{version}-{at}", at)


def row(change: AcceptedChange, *, is_asked_for: bool = True) -> Row:
    """Its row in the trail."""
    return change.session_id, change.version, change.request_id, 50.0, is_asked_for


def verdict(
    changes: Sequence[AcceptedChange],
    rows: Sequence[Row],
    *,
    shard: str = "{s1}",
    refused: dict[str, str] | None = None,
    lag_s: float = 0.0,
) -> TrailComparison:
    """What is found where the primary of `{s1}` was killed and every session is on `shard`."""
    ledger = AnswerLog(lambda: None, list(changes), refused or {})
    return compare_rows(rows, ledger, [_FAILOVER], lambda _: shard, lag_s)


def test_a_trail_that_holds_every_change_once_is_without_fault() -> None:
    changes = [accepted(version) for version in (1, 2, 3)]
    found = verdict(changes, [row(change) for change in changes])
    assert (found.rows, found.faults, found.lost) == (3, (), ())


def test_a_flag_that_a_request_settled_on_its_way_is_not_a_second_change() -> None:
    first, second = accepted(1), accepted(3)
    settled = (first.session_id, 2, second.request_id, 50.0, False)
    assert verdict([first, second], [row(first), settled, row(second)]).faults == ()


def test_a_request_that_was_carried_out_twice_is_a_fault() -> None:
    first, second = accepted(1), accepted(3)
    doubled = (first.session_id, 2, second.request_id, 50.0, True)
    found = verdict([first, second], [row(first), doubled, row(second)])
    assert found.faults == (f"request {second.request_id} made versions [2, 3]",)


@pytest.mark.parametrize("before_s", [-0.25, 0.0, 0.5])
def test_what_a_killed_primary_acknowledged_just_before_is_counted_as_lost(before_s: float) -> None:
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
    ids=["too early", "after the failover", "on a shard whose primary lives"],
)
def test_what_is_missing_for_no_such_reason_is_a_fault(at: float, shard: str) -> None:
    kept, gone, again = accepted(1), accepted(2, at=at), accepted(2, at=_KILLED_AT + 2)
    found = verdict([kept, gone, again], [row(kept), row(again)], shard=shard)
    assert found.lost == ()
    assert len(found.faults) == 1
    assert str(gone) in found.faults[0]


def test_a_session_may_end_with_what_was_lost() -> None:
    kept, gone = accepted(1), accepted(2, at=_KILLED_AT)
    assert verdict([kept, gone], [row(kept)]).faults == ()


def test_a_refusal_is_a_fault_where_the_session_has_lost_nothing() -> None:
    kept, gone = accepted(1), accepted(2, at=_KILLED_AT)
    refused = {"a": "POST /v1/sessions/a/resume was answered 409"}
    assert verdict([kept, gone], [row(kept)], refused=refused).faults == ()
    (fault,) = verdict([kept], [row(kept)], refused=refused).faults
    assert refused["a"] in fault


def test_a_version_that_is_left_out_is_a_fault() -> None:
    first, third = accepted(1), accepted(3)
    faults = verdict([first, third], [row(first), row(third)]).faults
    assert "session a has versions 1 to 3 without [2]" in faults


def test_what_a_primary_acknowledged_without_its_replica_is_lost_though_the_trail_has_it() -> None:
    kept, gone = accepted(1), accepted(2, at=_KILLED_AT - 0.25)
    changes, rows = [kept, gone], [row(kept), row(gone)]
    refused = {"a": "POST /v1/sessions/a/resume was answered 400"}
    found = verdict(changes, rows, refused=refused, lag_s=0.5)
    assert (found.faults, found.lost, found.lost_in_trail) == ((), (gone,), 1)
    assert verdict(changes, rows, refused=refused).lost == ()
    assert len(verdict(changes, rows, refused=refused).faults) == 1


def test_a_change_that_is_crowded_out_of_the_trail_by_a_lost_one_is_a_fault() -> None:
    kept, gone = accepted(1), accepted(2, at=_KILLED_AT - 0.25)
    later = accepted(2, at=_KILLED_AT + 2)
    (fault,) = verdict([kept, gone, later], [row(kept), row(gone)], lag_s=0.5).faults
    assert str(later) in fault
