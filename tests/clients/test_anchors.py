"""Clocks worked out from an earlier state are the clocks of a later one, in every mode."""

import random
from collections.abc import Iterator
from typing import Any, cast
from uuid import UUID

import msgspec
import pytest
from synckairos import session_clocks
from synckairos.states import SessionState

from shared.domain.clocks import clocks_of
from shared.domain.session import Group, Participant, Session, Status, SyncMode
from shared.domain.timekeeping import deadline
from shared.domain.units import Instant, Millis
from shared.representation import encoded_view
from tests.clients.states import ADA, BEN, T0, session

_EACH = 60


def view(of: Session, at: int) -> SessionState:
    """What the service says of it."""
    return cast(SessionState, msgspec.json.decode(encoded_view(of, Instant(at))))


def sessions(mode: SyncMode) -> Iterator[tuple[Session, random.Random]]:
    """Running sessions of a mode, at random."""
    for seed in range(_EACH):
        dice = random.Random(f"{mode}{seed}")
        yield _session(mode, dice), dice


def _session(mode: SyncMode, dice: random.Random) -> Session:
    people = [_person(dice, mode) for _ in range(dice.randint(1, 4))]
    names = sorted({p.group_id for p in people if p.group_id})
    of = Session(
        session_id=_id(dice),
        sync_mode=mode,
        created_at=Instant(T0),
        updated_at=Instant(T0),
        participants=tuple(people),
        groups=tuple(Group(name, _ms(dice)) for name in names),
        total_time_ms=_ms(dice),
        time_per_cycle_ms=_ms(dice) if mode in (SyncMode.PER_CYCLE, SyncMode.GLOBAL) else None,
        max_time_ms=_ms(dice) if dice.random() < 0.5 else None,
        status=Status.RUNNING,
        active_participant_id=dice.choice(people).participant_id,
        session_started_at=Instant(T0),
        cycle_started_at=Instant(T0),
        cycle_number=1,
    )
    return clocks_of(of).open(of)


def _person(dice: random.Random, mode: SyncMode) -> Participant:
    group = f"group {dice.randint(1, 2)}" if mode is SyncMode.PER_GROUP else None
    used = Millis(dice.randint(0, 5_000))
    return Participant(_id(dice), dice.randint(0, 9_999), _ms(dice), group, used)


def _id(dice: random.Random) -> str:
    return str(UUID(int=dice.getrandbits(128)))


def _ms(dice: random.Random) -> Millis:
    return Millis(dice.randint(1_000, 90_000))


@pytest.mark.parametrize("mode", SyncMode)
def test_from_any_state_to_any_later_instant(mode: SyncMode) -> None:
    for of, dice in sessions(mode):
        end = (deadline(of) or Instant(T0 + 60_000)) - 1
        early, late = sorted(dice.randint(T0, end) for _ in range(2))
        seen, shown = view(of, early), view(of, late)
        for one in shown["participants"]:
            who = one["participant_id"]
            assert session_clocks.remaining(seen, who, late) == one.get("time_remaining_ms")
            assert session_clocks.used(seen, who, late) == one["time_used_ms"]
        assert session_clocks.nearest(seen, late) == shown.get("time_remaining_ms")
        for group, then in zip(seen.get("groups", ()), shown.get("groups", ()), strict=True):
            assert session_clocks.remaining_of(seen, group, late) == then["time_remaining_ms"]
        total = sum(one["time_used_ms"] for one in shown["participants"])
        assert session_clocks.elapsed(seen, late) == total


@pytest.mark.parametrize(("after", "left"), [(-40, 10_000), (4_000, 6_000), (60_000, 0)])
def test_a_clock_shows_nothing_from_before_its_anchor_nor_below_zero(after: int, left: int) -> None:
    assert session_clocks.remaining(session(), ADA, T0 + after) == left
    assert session_clocks.remaining(session(), BEN, T0 + after) == 9_000


@pytest.mark.parametrize("status", ["paused", "expired", "completed", "cancelled", "pending"])
def test_what_does_not_run_is_frozen(status: str) -> None:
    state = session(status=status, cycle_started_at=None, deadline_at=None)
    assert session_clocks.remaining(state, ADA, T0 + 5_000) == 10_000
    assert session_clocks.nearest(state, T0 + 5_000) == 10_000


def test_a_fallen_flag_stays_down_while_the_session_runs_on() -> None:
    state = session(deadline_at=None, time_remaining_ms=0)
    state["participants"][0] = {**state["participants"][0], "time_remaining_ms": 0}
    assert session_clocks.remaining(state, ADA, T0 + 5_000) == 0
    assert session_clocks.used(state, ADA, T0 + 5_000) == 0


def test_nobody_has_no_clock() -> None:
    assert session_clocks.remaining(session(), "nobody", T0) is None
    assert session_clocks.used(session(), "nobody", T0) is None


def test_without_participants_it_has_run_since_it_began() -> None:
    nobody: Any = {"participants": [], "active_participant_id": None, "sync_mode": "global"}
    assert session_clocks.elapsed(session(**nobody), T0 + 700) == 700
    assert session_clocks.elapsed(session(**nobody, session_started_at=None), T0 + 700) == 0
