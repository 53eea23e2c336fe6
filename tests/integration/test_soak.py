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
