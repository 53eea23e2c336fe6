"""The formula of the clocks on the wire: shared vectors, and random states of the domain."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from synckairos import shown

from shared.application.session_view import encode_session_view
from shared.domain.clocks import clocks_of
from shared.domain.session import Session, SyncMode
from shared.domain.timekeeping import at_time
from shared.domain.units import Instant
from tests.clients.conftest import JavaScriptVectors
from tests.clients.states import T0
from tests.clients.test_anchors import last_instant, sessions_with_controls
from tests.fuzz.extent import IS_FULL

_SESSIONS_PER_MODE = 1_250 if IS_FULL else 250
_INSTANTS = 4
_FILE = Path(__file__).parents[2] / "clients" / "conformance" / "clocks.json"


@pytest.mark.parametrize("vector", json.loads(_FILE.read_text())["vectors"], ids=str)
def test_a_clock_shows_the_value_of_each_vector(vector: dict[str, Any]) -> None:
    clock, server_time_ms = vector["clock"], vector["server_time_ms"]
    for at, value in vector["shown"]:
        assert shown(clock, server_time_ms, at) == value, at


def _left_ms(session: Session, at: Instant, position: int) -> int:
    clock = clocks_of(session).drawn(at_time(session, at)).participants[position]
    assert clock is not None
    return clock.left_ms


def _vectors() -> list[dict[str, Any]]:
    """Return what the domain shows at later instants of random states."""
    vectors = []
    for mode in (SyncMode.PER_PARTICIPANT, SyncMode.PER_GROUP):
        for session, rng in sessions_with_controls(mode, _SESSIONS_PER_MODE):
            for _ in range(_INSTANTS):
                sent_at, *later = sorted(
                    Instant(rng.randint(T0, last_instant(session))) for _ in range(3)
                )
                state = msgspec.json.decode(encode_session_view(session, sent_at))
                for position, participant in enumerate(state["participants"]):
                    values = [[at, _left_ms(session, at, position)] for at in later]
                    sent = {"clock": participant["clock"], "server_time_ms": sent_at}
                    vectors.append({**sent, "shown": values})
    return vectors


def test_both_libraries_show_what_the_domain_shows_in_random_states(
    javascript_vectors: JavaScriptVectors,
) -> None:
    vectors = _vectors()
    assert len(vectors) >= 2 * _SESSIONS_PER_MODE * _INSTANTS
    for vector in vectors:
        for at, value in vector["shown"]:
            assert shown(vector["clock"], vector["server_time_ms"], at) == value, vector
    javascript_vectors("wire-clock.test.mjs", vectors)
