"""Clocks of `individual`, computed from an earlier state, equal those of the domain later."""

from hypothesis import given
from hypothesis import strategies as st
from synckairos import session_clocks

from shared.domain.clocks import clocks_of
from shared.domain.timekeeping import at_time, next_wakeup
from shared.domain.units import Instant
from tests.clients.test_anchors import view
from tests.fuzz.extent import extent
from tests.unit.domain.history_checks import after_last_command
from tests.unit.domain.individual_games import random_sessions
from tests.unit.domain.random_games import RandomSession

_LATEST_MS = 60_000


@extent(short=60, full=2_000)
@given(random_sessions(), st.integers(0, _LATEST_MS), st.integers(0, _LATEST_MS))
def test_clocks_are_right_until_the_next_change(
    generated: RandomSession, first: int, second: int
) -> None:
    session, now = after_last_command(generated)
    end = next_wakeup(session) or now + _LATEST_MS
    early, late = sorted(min(now + gap, end) for gap in (first, second))
    state, then = view(session, early), at_time(session, Instant(late))
    later, rules = view(session, late), clocks_of(session)
    drawn = rules.drawn(then)
    for person, clock in zip(later["participants"], drawn.participants, strict=True):
        name = person["participant_id"]
        assert clock is not None
        assert session_clocks.remaining(state, name, late) == clock.left_ms
        assert session_clocks.used(state, name, late) == person["time_used_ms"]
        if session.total_time_ms is not None:
            assert person.get("time_remaining_ms") == clock.left_ms
    assert session_clocks.nearest(state, late) == rules.left(then)
    assert session_clocks.elapsed(state, late) == then.used_ms
    shared = drawn.session and drawn.session.left_ms
    assert session_clocks.shared_clocks(state, late) == (shared, None)
