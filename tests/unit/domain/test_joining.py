"""Adding a participant: its place in the order, its time and its group."""

import pytest

from shared.domain.commands import NewParticipant
from shared.domain.errors import RuleViolation
from shared.domain.session import Session, SyncMode
from tests.unit.domain.scenarios import (
    ANNA,
    BEN,
    BLUE,
    CLEO,
    DAN,
    GREEN,
    RED,
    chess,
    exam,
    fields_of,
    open_session,
    play,
    poker,
    race,
    seat,
    teams,
)

EVERY_MODE = [
    pytest.param(chess(60_000), id="per_participant"),
    pytest.param(poker(60_000, players=2), id="per_cycle"),
    pytest.param(teams(60_000, RED, BLUE), id="per_group"),
    pytest.param(exam(total=60_000), id="global"),
    pytest.param(race(60_000), id="count_up"),
]
in_every_mode = pytest.mark.parametrize("session", EVERY_MODE)
TIME_REQUIRED = [
    pytest.param(chess(60_000), id="per_participant"),
    pytest.param(
        open_session(SyncMode.PER_CYCLE, seat(ANNA, 9_000), seat(BEN, 9_000)), id="per_cycle"
    ),
    pytest.param(teams(60_000, RED, BLUE), id="per_group"),
]
TIME_OPTIONAL = [
    pytest.param(poker(60_000, players=2), id="per_cycle"),
    pytest.param(exam(total=60_000), id="global"),
    pytest.param(race(), id="count_up"),
]


@in_every_mode
def test_a_newcomer_comes_last_in_the_order(session: Session) -> None:
    game = play(session).start().join(seat(CLEO, 60_000), at=1_000)
    assert game.turns(4, every=2_000) == [BEN, CLEO, ANNA, BEN]


@in_every_mode
def test_a_newcomer_changes_no_running_clock(session: Session) -> None:
    game = play(session).start().join(seat(CLEO, 60_000), at=1_234)
    assert (game.active, game.deadline) == (ANNA, 60_000)
    assert (game.clock(ANNA, at=5_000), game.used(ANNA, at=5_000)) == (55_000, 5_000)
    assert (game.used(CLEO, at=5_000), game.session.cycle_number) == (0, 1)


@in_every_mode
def test_a_newcomer_may_join_before_the_start_or_during_a_pause(session: Session) -> None:
    game = play(session).join(seat(CLEO, 60_000), at=0).start(at=0).pause(at=1_000)
    game = game.join(seat(DAN, 60_000), at=2_000).resume(at=3_000)
    assert game.turns(4, every=1_000) == [BEN, CLEO, DAN, ANNA]


def test_an_index_sets_the_newcomers_place_in_the_order() -> None:
    seats = (seat(ANNA, 60_000, index=0), seat(BEN, 60_000, index=10))
    game = play(open_session(SyncMode.PER_PARTICIPANT, *seats)).start()
    game = game.join(seat(CLEO, 60_000, index=5), at=1_000)
    assert game.turns(3, every=2_000) == [CLEO, BEN, ANNA]


def test_the_default_index_is_one_more_than_the_highest() -> None:
    seats = (seat(ANNA, 60_000, index=3), seat(BEN, 60_000, index=10))
    game = play(open_session(SyncMode.PER_PARTICIPANT, *seats)).join(seat(CLEO, 60_000), at=0)
    assert [p.participant_index for p in game.session.participants] == [3, 10, 11]


@pytest.mark.parametrize(
    ("newcomer", "field"),
    [
        pytest.param(seat(BEN, 9_000), "participant_id", id="id_taken"),
        pytest.param(seat(CLEO, 9_000, index=1), "participant_index", id="index_taken"),
    ],
)
@in_every_mode
def test_an_id_or_index_that_is_taken_is_refused(
    session: Session, newcomer: NewParticipant, field: str
) -> None:
    with pytest.raises(RuleViolation) as refusal:
        play(session).start().join(newcomer, at=1_000)
    assert fields_of(refusal.value) == [(field, "duplicate")]


@pytest.mark.parametrize("session", TIME_REQUIRED)
def test_time_is_required_in_modes_that_need_it(session: Session) -> None:
    with pytest.raises(RuleViolation) as refusal:
        play(session).start().join(seat(CLEO), at=1_000)
    assert fields_of(refusal.value) == [("total_time_ms", "missing")]


@pytest.mark.parametrize("session", TIME_OPTIONAL)
def test_time_is_optional_in_modes_that_do_not_use_it(session: Session) -> None:
    assert play(session).start().join(seat(CLEO), at=1_000).turns(2, every=2_000) == [BEN, CLEO]


def test_every_violated_rule_is_reported() -> None:
    with pytest.raises(RuleViolation) as refusal:
        play(chess(60_000)).join(seat(BEN, index=0), at=0)
    assert sorted(fields_of(refusal.value)) == [
        ("participant_id", "duplicate"),
        ("participant_index", "duplicate"),
        ("total_time_ms", "missing"),
    ]


@pytest.mark.parametrize(("present", "accepted"), [(999, True), (1_000, False)])
def test_a_session_holds_at_most_a_thousand_participants(present: int, accepted: bool) -> None:
    seats = [seat(str(number)) for number in range(present)]
    game = play(open_session(SyncMode.COUNT_UP, *seats))
    if accepted:
        assert len(game.join(seat(ANNA), at=0).session.participants) == 1_000
        return
    with pytest.raises(RuleViolation, match="validation") as refusal:
        game.join(seat(ANNA), at=0)
    assert fields_of(refusal.value) == [("participant_id", "full")]


@pytest.mark.parametrize(
    "session", [exam(total=60_000, players=0), exam(cycle=60_000, players=0), race(players=0)]
)
def test_the_first_to_join_an_empty_session_becomes_active(session: Session) -> None:
    game = play(session).start().join(seat(ANNA), at=1_000).join(seat(BEN), at=2_000)
    assert (game.active, game.used(ANNA, at=5_000)) == (ANNA, 4_000)
    assert game.turns(2, every=2_500) == [BEN, ANNA]


def test_a_newcomers_time_is_added_to_its_groups_bank() -> None:
    match = play(teams(9_000, RED, BLUE)).start().join(seat(CLEO, 5_000, group=RED), at=2_000)
    assert [match.clock(who, at=3_000) for who in (ANNA, BEN, CLEO)] == [11_000, 9_000, 11_000]


def test_a_newcomer_to_a_group_needs_no_time() -> None:
    match = play(teams(9_000, RED, BLUE)).start().join(seat(CLEO, group=RED), at=2_000)
    assert match.clock(CLEO, at=2_000) == 7_000


def test_a_newcomer_creates_the_group_that_it_names() -> None:
    match = play(teams(9_000, RED, BLUE)).start().join(seat(CLEO, 5_000, group=GREEN), at=2_000)
    assert match.clock(CLEO, at=3_000) == 5_000
    assert match.turns(3, every=2_500) == [BEN, CLEO, ANNA]


def test_a_newcomer_without_a_group_is_a_group_of_its_own() -> None:
    match = play(teams(9_000, RED, BLUE)).start().join(seat(CLEO, 5_000), at=2_000)
    assert [group.group_id for group in match.session.groups] == [RED, BLUE, CLEO]


def test_a_newcomers_time_restarts_the_clock_of_an_expired_group() -> None:
    match = play(teams(5_000, RED, BLUE)).start().join(seat(CLEO, 4_000, group=RED), at=9_000)
    assert (match.expired_at, match.deadline) == ([(5_000, RED)], 13_000)


def test_a_newcomer_has_no_group_in_a_mode_without_groups() -> None:
    game = play(chess(60_000)).join(seat(CLEO, 9_000), at=0)
    assert [p.group_id for p in game.session.participants] == [None, None, None]
    assert game.session.groups == ()


def test_a_passed_deadline_is_applied_before_the_newcomer_joins() -> None:
    game = play(chess(5_000, auto_advance=True)).start().join(seat(CLEO, 5_000), at=6_000)
    assert (game.expired_at, game.active, game.deadline) == ([(5_000, ANNA)], BEN, 10_000)
    assert game.last_change.side.participant_id == CLEO


def test_a_new_group_is_in_the_order_of_the_first_members() -> None:
    red, blue = seat(ANNA, 5_000, index=5, group=RED), seat(BEN, 5_000, index=7, group=BLUE)
    game = play(open_session(SyncMode.PER_GROUP, red, blue)).start()
    game = game.join(seat(CLEO, 5_000, index=6, group=GREEN), at=1_000)
    assert [group.group_id for group in game.session.groups] == [RED, GREEN, BLUE]
