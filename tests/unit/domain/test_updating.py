"""Settings that change while a session goes on."""

import pytest

from shared.domain import commands as c
from shared.domain.automatic_load import check_load_limit
from shared.domain.errors import InvalidTransition, RuleViolation
from shared.domain.events import EventType
from shared.domain.session import Status, SyncMode
from shared.domain.units import Millis
from tests.unit.domain.scenarios import (
    ANNA,
    BEN,
    Play,
    chess,
    fields_of,
    on_timeout,
    open_session,
    play,
    poker,
    seat,
)


def warn_at(*thresholds: int) -> c.UpdateSession:
    return c.UpdateSession(warn_at_ms=tuple(map(Millis, thresholds)))


def test_thresholds_that_the_clock_has_passed_are_not_warned_of() -> None:
    game = play(chess(10_000)).start().do(warn_at(8_000, 3_000), at=4_000)
    assert game.until(20_000).warned_at == [(7_000, 3_000)]


def test_a_warning_is_not_repeated_after_an_update() -> None:
    game = play(chess(10_000, warn_at_ms=(Millis(8_000),))).start().until(2_000)
    game = game.do(warn_at(8_000), at=2_000)
    assert game.until(20_000).warned_at == [(2_000, 8_000)]


def test_a_new_action_applies_at_the_next_deadline() -> None:
    update = c.UpdateSession(action_on_timeout=on_timeout("end_session"))
    game = play(chess(10_000)).start().do(update, at=4_000)
    assert game.deadline == 10_000
    assert game.until(10_000).status is Status.EXPIRED


def test_only_given_settings_change_and_the_event_names_them() -> None:
    session = chess(10_000, metadata={"table": 1}, participants_may_pause=True)
    update = c.UpdateSession(removes_metadata=True, participants_may_give_ms=Millis(5))
    game = play(session).do(update, at=7)
    assert (game.session.metadata, game.session.participants_may_pause) == (None, True)
    assert game.session.participants_may_give_ms == 5
    assert game.last_change.type is EventType.SESSION_UPDATED
    assert game.last_change.metadata == {"fields": ["metadata", "participants_may_give_ms"]}


@pytest.mark.parametrize(
    "ended", [play(chess(5_000)).complete(at=1), play(chess(5_000)).cancel(at=1)]
)
def test_an_ended_session_cannot_be_updated(ended: Play) -> None:
    with pytest.raises(InvalidTransition):
        ended.do(warn_at(1), at=2)


def test_the_load_limit_counts_new_warnings() -> None:
    session = poker(1_000, auto_advance=True)
    check_load_limit(session, "warn_at_ms", 10)
    updated = play(session).do(warn_at(100, 200, 300, 400), at=1).session
    with pytest.raises(RuleViolation) as refusal:
        check_load_limit(updated, "warn_at_ms", 10)
    assert fields_of(refusal.value) == [("warn_at_ms", "too_busy")]


RETIRE_BEN = c.UpdateParticipant(BEN, is_retired=True)


def starts(participant_id: str) -> c.UpdateSession:
    return c.UpdateSession(active_participant_id=participant_id)


def test_a_pending_session_starts_with_the_one_who_is_chosen() -> None:
    game = play(chess(10_000, 20_000)).do(starts(BEN), at=3)
    assert game.last_change.metadata == {"fields": ["active_participant_id"]}
    started = game.start(at=10)
    assert (started.active, started.clock(BEN, 15), started.clock(ANNA, 15)) == (
        BEN,
        19_995,
        10_000,
    )


def test_the_chosen_one_brings_its_own_time_per_cycle() -> None:
    session = open_session(SyncMode.PER_CYCLE, seat(ANNA, 3_000), seat(BEN, 5_000))
    assert play(session).do(starts(BEN), at=1).start(at=2).deadline == 5_002


@pytest.mark.parametrize(
    ("game", "chosen", "code"),
    [
        (play(chess(10_000, 20_000)), "nobody", "unknown_participant"),
        (play(chess(10_000, 20_000)).do(RETIRE_BEN, at=1), BEN, "retired"),
        (play(open_session(SyncMode.INDIVIDUAL, seat(ANNA))), ANNA, "not_allowed"),
    ],
)
def test_somebody_who_takes_no_turns_cannot_start(game: Play, chosen: str, code: str) -> None:
    with pytest.raises(RuleViolation) as refused:
        game.do(starts(chosen), at=2)
    assert fields_of(refused.value) == [("active_participant_id", code)]


def test_who_starts_cannot_change_after_the_start() -> None:
    with pytest.raises(InvalidTransition, match="has started"):
        play(chess(10_000, 20_000)).start().do(starts(BEN), at=1)


def test_choosing_the_same_one_again_leaves_its_clock() -> None:
    session = open_session(SyncMode.PER_CYCLE, seat(ANNA), seat(BEN), time_per_cycle_ms=3_000)
    game = play(session).adjust(ANNA, 9_000, at=1).do(starts(ANNA), at=2)
    assert game.start(at=3).deadline == 9_003


@pytest.mark.parametrize("adjusted", [ANNA, BEN])
def test_an_adjusted_cycle_stays_when_the_starter_changes(adjusted: str) -> None:
    session = open_session(SyncMode.PER_CYCLE, seat(ANNA), seat(BEN), time_per_cycle_ms=3_000)
    game = play(session).adjust(adjusted, 9_000, at=1)
    for chosen in (BEN, ANNA, BEN):
        game = game.do(starts(chosen), at=2)
        shown = {name: game.clock(name, 2) for name in (ANNA, BEN)}
        assert shown == {ANNA: 3_000, BEN: 3_000} | {adjusted: 9_000}
