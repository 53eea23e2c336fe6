"""The Python client applies differences of states: it ends with the state that the service has."""

import json
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synckairos.api_types import Difference
from synckairos.state_difference import apply_difference

from shared.application.shown_state import ShownState
from shared.application.state_differences import changed_participants, difference
from shared.domain.events import SessionStep
from shared.domain.session import Session
from shared.domain.timekeeping import next_wakeup
from shared.domain.units import Instant
from tests.clients.conftest import JavaScriptVectors
from tests.clients.test_anchors import view
from tests.fuzz.extent import extent
from tests.unit.domain.individual_games import random_sessions
from tests.unit.domain.random_games import RandomSession, opened, run_commands

_FILE = Path(__file__).parents[2] / "clients" / "conformance" / "differences.json"


@pytest.mark.parametrize("vector", json.loads(_FILE.read_text())["vectors"], ids=str)
def test_a_difference_makes_the_state_of_each_vector(vector: dict[str, Any]) -> None:
    assert apply_difference(vector["held"], vector["difference"]) == vector["state"]


@extent(short=120, full=4_000)
@given(random_sessions(), st.integers(0, 4_000), st.integers(0, 50))
def test_a_difference_makes_exactly_the_state_that_the_service_shows(
    generated: RandomSession, held_after: int, committed_after: int
) -> None:
    before = opened(generated)
    for run in run_commands(generated):
        for step in run.steps:
            after, now = step.session, _committed_at(step, committed_after)
            held_at = Instant(min(before.updated_at + held_after, step.occurred_at))
            if after.version > before.version:
                _check(before, held_at, after, now)
            before = after


def _committed_at(step: SessionStep, after_ms: int) -> Instant:
    """Return an instant at which no further step is due, if possible `after_ms` after the step."""
    next_at = next_wakeup(step.session) or step.occurred_at + after_ms + 1
    return Instant(max(step.occurred_at, min(step.occurred_at + after_ms, next_at - 1)))


def _check(before: Session, held_at: Instant, after: Session, now: Instant) -> None:
    if (sent := _difference(before, after, now)) is not None:
        assert apply_difference(view(before, held_at), sent) == view(after, now)


def _difference(before: Session, after: Session, now: Instant) -> Difference | None:
    changed = changed_participants(before, after)
    if changed is None:
        return None
    made = difference(before, changed, ShownState(after, now))
    return cast(Difference, msgspec.json.decode(msgspec.json.encode(made)))


def test_both_libraries_make_the_same_states_in_random_sessions(
    javascript_vectors: JavaScriptVectors,
) -> None:
    vectors: list[dict[str, Any]] = []

    @extent(short=60, full=1_000)
    @given(random_sessions())
    def collect(generated: RandomSession) -> None:
        before = opened(generated)
        for run in run_commands(generated):
            for step in run.steps:
                after, now = step.session, step.occurred_at
                if sent := _difference(before, after, now):
                    held, state = view(before, before.updated_at), view(after, now)
                    vectors.append({"held": held, "difference": sent, "state": state})
                before = after

    collect()
    assert len(vectors) > 20
    javascript_vectors("state-difference.test.mjs", vectors)
