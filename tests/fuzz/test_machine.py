"""Whatever is asked of whichever session, and of whichever instance: the rules hold."""

import httpx
from hypothesis.stateful import run_state_machine_as_test

from tests.fuzz.conftest import Pair
from tests.fuzz.extent import extent
from tests.fuzz.machine import Sessions


def test_random_games_go_by_the_rules(pair: Pair) -> None:
    one, two = pair
    with httpx.Client(base_url=one.url) as first, httpx.Client(base_url=two.url) as second:

        class OnTheseTwo(Sessions):
            instances = (first, second)

        run_state_machine_as_test(OnTheseTwo, settings=extent(short=40, full=500, steps=40))
