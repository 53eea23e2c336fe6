"""No accepted change is lost when processes die: a short form of `make soak`."""

from functools import partial

import pytest

from infra.local.supabase import is_node_installed
from tests.conftest import missing
from tests.fuzz.extent import IS_FULL
from tests.resilience.soak.plan import SoakPlan
from tests.resilience.soak.run import run_soak

_SHORT = partial(
    SoakPlan, changes=600, sessions=20, rate=100, worker_kills=3, service_kills=1, outage_s=1.5
)


_BACKENDS = {"supabase": True} | ({"postgres": False} if IS_FULL else {})


@pytest.mark.parametrize("supabase", _BACKENDS.values(), ids=_BACKENDS)
def test_every_accepted_change_is_in_the_trail_exactly_once(supabase: bool) -> None:
    if supabase and not is_node_installed():
        missing("Node")
    report = run_soak(_SHORT(supabase=supabase))
    assert report.verdict.faults == ()
    assert report.accepted == 600
    assert report.verdict.rows >= report.accepted
    assert report.mishaps == 6
    assert report.dead_letters == 0
    assert report.most_waiting > 0


_LAGS = {"in step": 0.0} | ({"behind": 0.5} if IS_FULL else {})
"""Seconds that a primary runs without its replica before it is killed."""


@pytest.mark.parametrize("lag_s", _LAGS.values(), ids=_LAGS)
def test_a_killed_primary_loses_only_changes_that_were_not_replicated(lag_s: float) -> None:
    # The database is down when the primary is killed, so the trail gets only the replica's data.
    report = run_soak(_SHORT(cluster=True, service_kills=0, outage_s=5.0, lag_s=lag_s))
    assert report.verdict.faults == ()
    assert report.verdict.rows + len(report.verdict.lost) >= report.accepted
    assert report.accepted == 600 or lag_s  # a player stops if its session lost the start
    assert report.mishaps == 6
    assert report.dead_letters == 0
    assert bool(report.verdict.lost) is bool(lag_s)
