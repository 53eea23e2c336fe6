"""Clocks computed from an earlier state equal those of the domain at any later instant."""

import random
from collections.abc import Iterator
from typing import Any, cast
from uuid import UUID

import msgspec
import pytest
from synckairos import session_clocks, shown
from synckairos.api_types import Group as GroupState
from synckairos.api_types import Participant as ParticipantState
from synckairos.api_types import SessionState, WireClock

from shared.application.session_view import encode_session_view
from shared.domain.clocks import clocks_of
from shared.domain.session import Group, Participant, Session, Status, SyncMode
from shared.domain.time_control import Overtime, StartOn, TimeControl
from shared.domain.timekeeping import at_time, deadline
from shared.domain.units import Instant, Millis
from shared.domain.values import replace
from tests.clients.states import T0
from tests.unit.domain.scenarios import MODES_WITH_TURNS

_SESSIONS_PER_MODE = 60
_WITHOUT_DEADLINE_MS = 60_000

Owner = ParticipantState | GroupState


def view(of: Session, at: int) -> SessionState:
    """Return the session as the service sends it."""
    return cast(SessionState, msgspec.json.decode(encode_session_view(of, Instant(at))))


def sessions(mode: SyncMode) -> Iterator[tuple[Session, random.Random]]:
    """Yield random running sessions of a mode, each with its random generator."""
    for seed in range(_SESSIONS_PER_MODE):
        rng = random.Random(f"{mode}{seed}")
        yield _session(mode, rng), rng


def sessions_with_controls(
    mode: SyncMode, count: int = _SESSIONS_PER_MODE
) -> Iterator[tuple[Session, random.Random]]:
    """Yield random running sessions with time controls, each with its random generator."""
    for seed in range(count):
        rng = random.Random(f"{mode} control {seed}")
        yield _session(mode, rng, _control(rng)), rng


def _session(mode: SyncMode, rng: random.Random, control: TimeControl | None = None) -> Session:
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
        time_control=control,
        version=1,
        status=Status.RUNNING,
        active_participant_id=rng.choice(participants).participant_id,
        session_started_at=Instant(T0),
        cycle_started_at=Instant(T0),
        cycle_number=1,
        used_ms=Millis(sum(p.used_ms for p in participants) + rng.randint(0, 5_000)),
    )
    rules = clocks_of(of)
    return rules.begin_cycle(rules.open(of))


def _participant(rng: random.Random, mode: SyncMode) -> Participant:
    group = f"group {rng.randint(1, 2)}" if mode is SyncMode.PER_GROUP else None
    return Participant(
        participant_id=_id(rng),
        participant_index=rng.randint(0, 9_999),
        bank_ms=_ms(rng),
        group_id=group,
        used_ms=Millis(rng.randint(0, 5_000)),
        cycle_count=0,
    )


def _control(rng: random.Random) -> TimeControl:
    period_ms = Millis(rng.randint(1_000, 30_000))
    overtime = rng.choice(
        [
            None,
            Overtime(period_ms=period_ms, periods=rng.randint(1, 5)),
            Overtime(period_ms=period_ms, turns=rng.randint(2, 20)),
            Overtime(extra_ms=period_ms),
        ]
    )
    delay_ms = Millis(rng.choice([0, rng.randint(1, 10_000)]))
    return rng.choice(
        [
            TimeControl(delay_ms=delay_ms, overtime=overtime),
            TimeControl(overtime=overtime),
            TimeControl(hourglass=True),
            TimeControl(start_on=StartOn.FIRST_TURN, overtime=overtime),
        ]
    )


def _id(rng: random.Random) -> str:
    return str(UUID(int=rng.getrandbits(128)))


def _ms(rng: random.Random) -> Millis:
    return Millis(rng.randint(1_000, 90_000))


def last_instant(of: Session) -> int:
    """Return the last instant before the deadline, or a later one without a deadline."""
    return (deadline(of) or T0 + _WITHOUT_DEADLINE_MS + 1) - 1


@pytest.mark.parametrize("mode", MODES_WITH_TURNS)
def test_clocks_of_any_state_are_right_at_any_later_instant(mode: SyncMode) -> None:
    for of, rng in sessions(mode):
        early, late = sorted(rng.randint(T0, last_instant(of)) for _ in range(2))
        _assert_the_domains_times(of, early, late)


@pytest.mark.parametrize("mode", [SyncMode.PER_PARTICIPANT, SyncMode.PER_GROUP])
def test_clocks_of_a_time_control_are_right_at_any_later_instant(mode: SyncMode) -> None:
    for of, rng in sessions_with_controls(mode):
        early, late = sorted(rng.randint(T0, last_instant(of)) for _ in range(2))
        _assert_the_domains_clocks(of, early, late)


@pytest.mark.parametrize("mode", MODES_WITH_TURNS)
def test_clocks_of_a_paused_session_stand_still(mode: SyncMode) -> None:
    for of, rng in (*sessions(mode), *sessions_with_controls(mode)):
        shown_at = at_time(of, Instant(rng.randint(T0, last_instant(of))))
        paused = replace(shown_at, status=Status.PAUSED, cycle_started_at=None)
        _assert_the_domains_clocks(paused, T0, T0 + rng.randint(0, 99_000))


@pytest.mark.parametrize("mode", [SyncMode.PER_PARTICIPANT, SyncMode.PER_GROUP])
def test_at_the_deadline_the_clock_is_at_its_end_and_no_period_is_left(mode: SyncMode) -> None:
    for of, rng in (*sessions(mode), *sessions_with_controls(mode)):
        end = deadline(of)
        if end is None:
            continue
        state = view(of, rng.randint(T0, end))
        assert state["clock"]
        for at in (end, end + rng.randint(1, 99_000)):
            lowest = state["clock"].get("floor_ms", 0)
            assert session_clocks.nearest(state, at) == lowest
            for owner in _active_owners(state):
                overtime = session_clocks.overtime(state, owner, at)
                assert overtime is None or overtime.get("periods_left", 0) == 0


def test_a_participant_who_joins_an_empty_session_changes_no_clock() -> None:
    """The elapsed time and the session's clock don't depend on the participants' used times."""
    for of, rng in sessions(SyncMode.GLOBAL):
        empty = replace(of, participants=(), active_participant_id=None)
        at = rng.randint(T0, last_instant(of))
        joined = replace(empty, participants=of.participants[:1])
        assert _shared_times(joined, at) == _shared_times(empty, at)


def _shared_times(of: Session, at: int) -> tuple[Any, ...]:
    state = view(of, T0)
    return session_clocks.elapsed(state, at), session_clocks.shared_clocks(state, at)


def _assert_the_domains_times(of: Session, early: int, late: int) -> None:
    """Assert that what is drawn from the state at `early` is the domain's time left at `late`."""
    earlier, then = view(of, early), at_time(of, Instant(late))
    rules = clocks_of(of)
    times_left = [rules.time_left_of(then, one) for one in then.participants]
    for participant, left in zip(then.participants, times_left, strict=True):
        participant_id = participant.participant_id
        assert session_clocks.remaining(earlier, participant_id, late) == left
        assert session_clocks.used(earlier, participant_id, late) == participant.used_ms
    assert session_clocks.nearest(earlier, late) == rules.left(then)
    assert session_clocks.shared_clocks(earlier, late) == (
        then.session_left_ms,
        then.cycle_left_ms,
    )
    if of.sync_mode is SyncMode.PER_GROUP:
        drawn = [session_clocks.remaining_of(earlier, group, late) for group in earlier["groups"]]
        assert drawn == [group.bank_ms for group in then.groups]
    assert session_clocks.elapsed(earlier, late) == then.used_ms


def _assert_the_domains_clocks(of: Session, early: int, late: int) -> None:
    """Assert that what is drawn from the state at `early` equals the state at `late`."""
    earlier, later = view(of, early), view(of, late)
    for one, then in zip(_owners(earlier), _owners(later), strict=True):
        assert _drawn(one.get("clock"), early, late) == _drawn(then.get("clock"), late, late)
        assert session_clocks.overtime(earlier, one, late) == then.get("overtime")
    for one in later["participants"]:
        used = session_clocks.used(earlier, one["participant_id"], late)
        assert used == one["time_used_ms"]
    assert session_clocks.nearest(earlier, late) == session_clocks.nearest(later, late)
    assert session_clocks.elapsed(earlier, late) == at_time(of, Instant(late)).used_ms


def _drawn(clock: WireClock | None, server_time_ms: int, at: int) -> float | None:
    return None if clock is None else shown(clock, server_time_ms, at)


def _owners(state: SessionState) -> list[Owner]:
    return [*state["participants"], *state.get("groups", ())]


def _active_owners(state: SessionState) -> list[Owner]:
    return [owner for owner in _owners(state) if owner["is_active"]]
