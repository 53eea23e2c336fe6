"""Random requests to two instances are answered as the specification says."""

import httpx
from hypothesis.stateful import run_state_machine_as_test

from tests.fuzz.conftest import Pair
from tests.fuzz.extent import extent
from tests.fuzz.machine import Sessions


def test_random_requests_are_answered_by_the_specification(pair: Pair) -> None:
    one, two = pair
    with (
        httpx.Client(base_url=one.url, timeout=30) as first,
        httpx.Client(base_url=two.url, timeout=30) as second,
    ):

        class SessionsOnPair(Sessions):
            instances = (first, second)

        run_state_machine_as_test(SessionsOnPair, settings=extent(short=20, full=500, steps=40))
