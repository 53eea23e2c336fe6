"""Clocks computed from an earlier state equal those of a later state, in every mode."""

import random
from collections.abc import Iterator
from typing import Any, cast
from uuid import UUID

import msgspec
import pytest
from synckairos import session_clocks
from synckairos.api_types import SessionState

from shared.application.session_view import encode_session_view
from shared.domain.clocks import clocks_of
from shared.domain.session import Group, Participant, Session, Status, SyncMode
from shared.domain.timekeeping import deadline
from shared.domain.units import Instant, Millis
from tests.clients.states import ADA, BEN, T0, session_state

_SESSIONS_PER_MODE = 60


def view(of: Session, at: int) -> SessionState:
    """Return the session as the service sends it."""
    return cast(SessionState, msgspec.json.decode(encode_session_view(of, Instant(at))))


def sessions(mode: SyncMode) -> Iterator[tuple[Session, random.Random]]:
    """Yield random running sessions of a mode, each with its random generator."""
    for seed in range(_SESSIONS_PER_MODE):
        rng = random.Random(f"{mode}{seed}")
        yield _session(mode, rng), rng


def _session(mode: SyncMode, rng: random.Random) -> Session:
    participants = [_participant(rng, mode) for _ in range(rng.randint(1, 4))]
    names = sorted({p.group_id for p in participants if p.group_id})
    of = Session(
        session_id=_id(rng),
        sync_mode=mode,
        created_at=Instant(T0),
        updated_at=Instant(T0),
        participants=tuple(participants),
        groups=tuple(Group(name, _ms(rng)) for name in names),
        total_time_ms=_ms(rng),
        time_per_cycle_ms=_ms(rng) if mode in (SyncMode.PER_CYCLE, SyncMode.GLOBAL) else None,
        max_time_ms=_ms(rng) if rng.random() < 0.5 else None,
        version=1,
        status=Status.RUNNING,
        active_participant_id=rng.choice(participants).participant_id,
        session_started_at=Instant(T0),
        cycle_started_at=Instant(T0),
        cycle_number=1,
    )
    return clocks_of(of).open(of)


def _participant(rng: random.Random, mode: SyncMode) -> Participant:
    group = f"group {rng.randint(1, 2)}" if mode is SyncMode.PER_GROUP else None
    used = Millis(rng.randint(0, 5_000))
    return Participant(
        participant_id=_id(rng),
        participant_index=rng.randint(0, 9_999),
        bank_ms=_ms(rng),
        group_id=group,
        used_ms=used,
        cycle_count=0,
    )


def _id(rng: random.Random) -> str:
    return str(UUID(int=rng.getrandbits(128)))


def _ms(rng: random.Random) -> Millis:
    return Millis(rng.randint(1_000, 90_000))


@pytest.mark.parametrize("mode", SyncMode)
def test_clocks_of_any_state_are_right_at_any_later_instant(mode: SyncMode) -> None:
    for of, rng in sessions(mode):
        end = (deadline(of) or Instant(T0 + 60_000)) - 1
        early, late = sorted(rng.randint(T0, end) for _ in range(2))
        earlier, later = view(of, early), view(of, late)
        for one in later["participants"]:
            participant_id = one["participant_id"]
            assert session_clocks.remaining(earlier, participant_id, late) == one.get(
                "time_remaining_ms"
            )
            assert session_clocks.used(earlier, participant_id, late) == one["time_used_ms"]
        assert session_clocks.nearest(earlier, late) == later.get("time_remaining_ms")
        for group, group_later in zip(
            earlier.get("groups", ()), later.get("groups", ()), strict=True
        ):
            assert (
                session_clocks.remaining_of(earlier, group, late)
                == group_later["time_remaining_ms"]
            )
        total = sum(one["time_used_ms"] for one in later["participants"])
        assert session_clocks.elapsed(earlier, late) == total


@pytest.mark.parametrize(("after_ms", "remaining_ms"), [(-40, 10_000), (4_000, 6_000), (60_000, 0)])
def test_only_the_active_clock_runs_from_its_start_and_down_to_zero(
    after_ms: int, remaining_ms: int
) -> None:
    assert session_clocks.remaining(session_state(), ADA, T0 + after_ms) == remaining_ms
    assert session_clocks.remaining(session_state(), BEN, T0 + after_ms) == 9_000


@pytest.mark.parametrize("status", ["paused", "expired", "completed", "cancelled", "pending"])
def test_the_clocks_of_a_session_that_is_not_running_stand_still(status: str) -> None:
    state = session_state(status=status, cycle_started_at=None, deadline_at=None)
    assert session_clocks.remaining(state, ADA, T0 + 5_000) == 10_000
    assert session_clocks.nearest(state, T0 + 5_000) == 10_000


def test_an_expired_clock_stays_at_zero_while_the_session_runs() -> None:
    state = session_state(deadline_at=None, time_remaining_ms=0)
    state["participants"][0] = {**state["participants"][0], "time_remaining_ms": 0}
    assert session_clocks.remaining(state, ADA, T0 + 5_000) == 0
    assert session_clocks.used(state, ADA, T0 + 5_000) == 0


def test_an_unknown_participant_has_no_clock() -> None:
    assert session_clocks.remaining(session_state(), "unknown", T0) is None
    assert session_clocks.used(session_state(), "unknown", T0) is None


def test_without_participants_the_time_since_the_start_has_elapsed() -> None:
    empty: Any = {
        "participants": [],
        "active_participant_id": None,
        "sync_mode": "global",
    }
    assert session_clocks.elapsed(session_state(**empty), T0 + 700) == 700
    assert session_clocks.elapsed(session_state(**empty, session_started_at=None), T0 + 700) == 0
