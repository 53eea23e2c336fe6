"""Clocks below zero: both libraries' formula shows what the domain counts, in random states."""

import msgspec
import pytest
from synckairos import session_clocks

from shared.application.session_view import encode_session_view
from shared.domain.clocks import clocks_of
from shared.domain.session import SyncMode
from shared.domain.timekeeping import at_time
from shared.domain.units import Instant
from shared.domain.values import replace
from tests.clients.states import T0
from tests.clients.test_anchors import sessions
from tests.unit.domain.scenarios import MODES_WITH_TURNS

_LATEST_MS = 300_000
"""Later than any deadline of the random states."""


@pytest.mark.parametrize("mode", MODES_WITH_TURNS)
def test_the_client_shows_what_the_domain_counts_before_and_after_zero(mode: SyncMode) -> None:
    below = 0
    for drawn, rng in sessions(mode):
        session, rules = replace(drawn, overtime=True), clocks_of(drawn)
        early, late = sorted(Instant(T0 + rng.randint(0, _LATEST_MS)) for _ in range(2))
        state = msgspec.json.decode(encode_session_view(session, early))
        then = at_time(session, late)
        if mode is SyncMode.GLOBAL:  # of two clocks, another state shows which one is next
            shared = then.session_left_ms, then.cycle_left_ms
            assert session_clocks.shared_clocks(state, late) == shared
        else:
            assert session_clocks.nearest(state, late) == rules.value(then)
        if rules.value(then) is not None:
            assert session_clocks.over(state, None, late) == rules.over_ms(then)
        assert session_clocks.elapsed(state, late) == then.used_ms
        for one in then.participants:
            assert session_clocks.remaining(state, one.participant_id, late) == (
                rules.value_of(then, one)
            )
            assert session_clocks.used(state, one.participant_id, late) == one.used_ms
        below += rules.over_ms(then) > 0
    assert below
