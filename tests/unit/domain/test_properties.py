"""What holds whatever is asked of whichever session, and whenever."""

from dataclasses import fields, replace
from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from shared.domain import commands as c
from shared.domain.clocks import clocks_of
from shared.domain.creation import create
from shared.domain.errors import Refusal, RuleViolation, Violation
from shared.domain.events import Change, EventType, Warned
from shared.domain.session import Session, Status, SyncMode
from shared.domain.settlement import settle, settled
from shared.domain.timekeeping import deadline, live, next_wakeup
from shared.domain.units import Instant, Millis
from tests.fuzz.extent import extent
from tests.unit.domain.ledger import Ledger, shown
from tests.unit.domain.random_games import (
    GROUPS,
    Game,
    answer,
    games,
    moments,
    names,
    opened,
    openings,
    spans,
)

steady = extent(short=60, full=2_000)
backwards = st.integers(-6_000, 6_000)


def ended(game: Game) -> tuple[Session, Instant]:
    """The session as the last move of `game` left it, and when that was."""
    session, now = opened(game), game.created_at
    for moment in moments(game):
        session, now = moment.after, moment.now
    return session, now


@steady
@given(games())
def test_used_and_remaining_make_up_what_was_granted(game: Game) -> None:
    session = opened(game)
    ledger = Ledger(game.opening)
    ledger.open(session)
    for moment in moments(game):
        for step in moment.steps:
            ledger.note(session, step, moment.command if step is moment.answer else None)
            session = step.session
            assert shown(session) == ledger.left(session)


@steady
@given(games())
def test_no_millisecond_is_lost_or_invented(game: Game) -> None:
    session = opened(game)
    ran = {p.participant_id: 0 for p in session.participants}
    since = game.created_at
    for moment in moments(game):
        for step in moment.steps:
            if isinstance(step, Change):
                if deadline(session) is not None or _counts_freely(session):
                    mover = session.active_participant_id or "nobody"
                    ran[mover] = ran.get(mover, 0) + step.occurred_at - since
                since = step.occurred_at
            session = step.session
        assert {p.participant_id: p.used_ms for p in session.participants} == {
            p.participant_id: ran.get(p.participant_id, 0) for p in session.participants
        }
        assert session.used_ms == sum(ran.values())


def _counts_freely(session: Session) -> bool:
    return session.status is Status.RUNNING and clocks_of(session).left(session) is None


@steady
@given(games())
def test_one_participant_is_active_while_there_are_any(game: Game) -> None:
    for moment in moments(game):
        for step in moment.steps:
            session = step.session
            present = [p.participant_id for p in session.participants]
            active = [name for name in present if name == session.active_participant_id]
            assert len(active) == min(1, len(present))


@steady
@given(games())
def test_a_version_is_one_change_and_a_refusal_is_none(game: Game) -> None:
    before = opened(game)
    for moment in moments(game):
        for step in moment.steps:
            grown = 0 if isinstance(step, Warned) else 1
            assert step.session.version == before.version + grown
            before = step.session
        assert (moment.after.version == moment.asked.version) == isinstance(moment.answer, Refusal)


@steady
@given(games())
def test_the_session_that_is_asked_is_left_as_it_was(game: Game) -> None:
    for moment in moments(game):
        written = msgspec.json.encode(moment.asked)
        again = answer(moment.asked, moment.command, moment.now)
        assert msgspec.json.encode(moment.asked) == written
        assert (type(again), str(again)) == (type(moment.answer), str(moment.answer))


@steady
@given(games(), st.integers(0, 40_000))
def test_settling_again_changes_nothing(game: Game, later: int) -> None:
    session, now = ended(game)
    once = settled(session, Instant(now + later))
    assert settled(once, Instant(now + later)) == once


@steady
@given(games(), st.lists(st.integers(0, 9_000), max_size=12))
def test_settling_in_many_small_steps_is_settling_once(game: Game, gaps: list[int]) -> None:
    session, now = ended(game)
    in_steps, steps = session, []
    for gap in gaps:
        now = Instant(now + gap)
        steps += list(settle(in_steps, now))
        in_steps = steps[-1].session if steps else session
    assert steps == list(settle(session, now))
    assert in_steps == settled(session, now)


@steady
@given(games(), st.integers(0, 9_000), st.integers(0, 9_000))
def test_a_clock_reads_the_same_however_often_it_is_read(game: Game, gap: int, more: int) -> None:
    session, now = ended(game)
    then = Instant(now + gap + more)
    read_on_the_way = settled(session, Instant(now + gap))
    assert live(settled(read_on_the_way, then), then) == live(settled(session, then), then)


@steady
@given(games())
def test_things_happen_in_the_order_of_time_and_when_they_are_due(game: Game) -> None:
    for moment in moments(game):
        session = moment.before
        for step in moment.due:
            assert step.occurred_at == next_wakeup(session)
            if isinstance(step, Change):
                assert (step.type, step.occurred_at) == (EventType.TIME_EXPIRED, deadline(session))
            session = step.session
        instants = [step.occurred_at for step in moment.steps]
        assert all(earlier <= later for earlier, later in pairwise([*instants, moment.now]))
        assert moment.before.updated_at <= moment.now
        wakeup = next_wakeup(session)
        assert wakeup is None or wakeup > moment.now


@steady
@given(games())
def test_a_warning_comes_when_its_threshold_is_what_is_left(game: Game) -> None:
    for moment in moments(game):
        for step in moment.due:
            if isinstance(step, Warned):
                at_that_instant = live(step.session, step.occurred_at)
                assert clocks_of(at_that_instant).left(at_that_instant) == step.threshold_ms
                assert step.threshold_ms in game.opening.warn_at_ms


@steady
@given(games())
def test_what_has_ended_stays_as_it_is(game: Game) -> None:
    for moment in moments(game):
        after = moment.after
        assert after.status.is_terminal == (after.session_completed_at is not None)
        assert (after.status is Status.RUNNING) == (after.cycle_started_at is not None)
        if moment.before.status.is_terminal:
            assert moment.due == ()
            assert isinstance(moment.command, c.Delete) == isinstance(moment.answer, Change)


@steady
@given(games(), names, spans)
def test_an_adjusted_clock_reads_its_value_from_that_instant_on(
    game: Game, who: str, value: Millis
) -> None:
    adjusting = c.AdjustTime(who, value)
    moved = [move for move in game.moves if not isinstance(move.command, c.Complete | c.Cancel)]
    for moment in moments(Game(game.opening, game.created_at, moved)):
        asked = moment.asked
        if asked.status.is_terminal or asked.find(who) is None:
            continue
        change = answer(asked, adjusting, moment.now)
        counts_up_for_ever = asked.sync_mode is SyncMode.COUNT_UP and asked.max_time_ms is None
        assert isinstance(change, Change) != counts_up_for_ever
        if isinstance(change, Change):
            participant = change.session.find(who)
            assert participant is not None
            assert clocks_of(change.session).left_of(change.session, participant) == value


@steady
@given(games())
def test_a_session_is_the_same_after_a_round_trip_through_json(game: Game) -> None:
    for moment in moments(game):
        for step in moment.steps:
            session = step.session
            assert msgspec.json.decode(msgspec.json.encode(session), type=Session) == session


@steady
@given(games(gaps=backwards))
def test_a_clock_that_is_set_back_makes_no_time_negative(game: Game) -> None:
    before = opened(game)
    for moment in moments(game):
        for step in moment.steps:
            after = step.session
            assert min([0, *shown(after).values()]) == 0
            assert after.used_ms >= before.used_ms
            used = {p.participant_id: p.used_ms for p in before.participants}
            assert all(p.used_ms >= used.get(p.participant_id, 0) for p in after.participants)
            assert after.cycle_used_ms >= 0
            before = after
        anchor = before.cycle_started_at or moment.now
        assert live(before, Instant(anchor - 5_000)) == before


@steady
@given(openings(), st.data())
def test_a_session_is_created_or_refused_by_its_rules_alone(
    opening: c.Create, data: st.DataObject
) -> None:
    changes = {
        "participants": st.just(opening.participants * 2) | st.just(()),
        "active_participant_id": names,
        "groups": st.lists(st.builds(c.NewGroup, st.sampled_from(GROUPS), spans)).map(tuple),
        "total_time_ms": st.none(),
        "time_per_cycle_ms": st.none(),
    }
    field = data.draw(st.sampled_from(sorted(changes)))
    changed = replace(opening, **{field: data.draw(changes[field])})
    named = {violation.field.split(".")[0] for violation in _violations(changed)}
    assert named <= {option.name for option in fields(c.Create)}


def _violations(opening: c.Create) -> tuple[Violation, ...]:
    try:
        create(opening, Instant(0))
    except RuleViolation as refusal:
        return refusal.violations
    return ()
