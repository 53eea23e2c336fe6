"""Nothing is lost, whatever dies: the soak of `make soak`, in a shorter form."""

from functools import partial

import pytest

from functions.tools.soak.plan import Plan
from functions.tools.soak.run import soak
from infra.local.supabase import can_run
from tests.conftest import missing
from tests.fuzz.extent import IS_FULL

_SHORT = partial(
    Plan, changes=600, sessions=20, rate=100, worker_kills=3, service_kills=1, outage_s=1.5
)


_WAYS = {"supabase": True} | ({"postgres": False} if IS_FULL else {})


@pytest.mark.parametrize("supabase", _WAYS.values(), ids=_WAYS)
def test_every_accepted_change_is_in_the_trail_exactly_once(supabase: bool) -> None:
    if supabase and not can_run():
        missing("Node")
    report = soak(_SHORT(supabase=supabase))
    assert report.verdict.faults == ()
    assert report.accepted == 600
    assert report.verdict.rows >= report.accepted
    assert report.mishaps == 6
    assert report.dead_letters == 0
    assert report.most_waiting > 0


def test_on_a_cluster_that_loses_a_primary_every_accepted_change_is_in_the_trail() -> None:
    report = soak(_SHORT(cluster=True))
    assert report.verdict.faults == ()
    assert report.accepted == 600
    assert report.verdict.rows + len(report.verdict.lost) >= report.accepted
    assert report.mishaps == 7
    assert report.dead_letters == 0


@pytest.mark.skipif(not IS_FULL, reason="only in the full run")
def test_what_a_primary_had_not_replicated_when_it_was_killed_is_counted() -> None:
    # The database is away meanwhile: the trail gets only what the promoted replica has.
    report = soak(_SHORT(cluster=True, service_kills=0, outage_s=5.0, lag_s=0.5))
    assert report.verdict.faults == ()
    assert report.dead_letters == 0
    assert 0 < len(report.verdict.lost)
    assert report.verdict.lost_in_trail == 0
    assert report.verdict.oldest_lost_s < 1.0
