"""`per_participant`: the active participant's own bank runs."""

import pytest

from shared.domain.errors import NotActiveParticipant, RuleViolation
from shared.domain.session import Status, SyncMode
from tests.unit.domain.scenarios import (
    ANNA,
    BEN,
    CLEO,
    DAN,
    chess,
    fields_of,
    open_session,
    play,
    seat,
)


def test_only_the_bank_of_the_active_participant_runs() -> None:
    game = play(chess(60_000)).start()
    assert (game.clock(ANNA, at=5_000), game.clock(BEN, at=5_000)) == (55_000, 60_000)


def test_a_switch_takes_the_elapsed_time_from_the_bank() -> None:
    game = play(chess(60_000)).start().switch(at=5_000)
    assert (game.clock(ANNA, at=12_000), game.clock(BEN, at=12_000)) == (55_000, 53_000)
    assert (game.used(ANNA, at=12_000), game.used(BEN, at=12_000)) == (5_000, 7_000)


def test_a_clock_shows_the_remaining_time_to_the_millisecond() -> None:
    game = play(chess(60_000)).start(at=1_000)
    assert [game.clock(ANNA, at=at) for at in (1_000, 1_001, 60_999, 61_000)] == [
        60_000,
        59_999,
        1,
        0,
    ]


def test_the_deadline_is_when_the_active_bank_reaches_zero() -> None:
    game = play(chess(60_000, 30_000)).start(at=7)
    assert game.deadline == 60_007
    assert game.switch(at=1_007).deadline == 31_007


def test_participants_follow_in_the_order_of_their_index() -> None:
    seats = (
        seat(ANNA, 9_000, index=7),
        seat(BEN, 9_000, index=2),
        seat(CLEO, 9_000, index=4),
    )
    game = play(open_session(SyncMode.PER_PARTICIPANT, *seats)).start()
    assert [game.active, *game.turns(4, every=1_000)] == [BEN, CLEO, ANNA, BEN, CLEO]


def test_a_named_participant_is_next_and_rotation_continues_from_there() -> None:
    game = play(chess(9_000, 9_000, 9_000, 9_000)).start().switch(to=CLEO, at=1_000)
    assert [game.active, *game.turns(2, every=1_000)] == [CLEO, DAN, ANNA]


def test_a_switch_to_the_active_participant_begins_a_new_cycle() -> None:
    game = play(chess(60_000, increment=2_000)).start().switch(to=ANNA, at=5_000)
    assert (game.active, game.session.cycle_number) == (ANNA, 2)
    assert game.clock(ANNA, at=6_000) == 60_000 - 5_000 + 2_000 - 1_000


def test_a_switch_closes_one_cycle_and_begins_the_next() -> None:
    game = play(chess(60_000)).start().switch(at=1_000).switch(at=2_000).switch(at=3_000)
    assert (game.session.cycle_number, game.session.cycle_started_at) == (4, 3_000)
    assert [p.cycle_count for p in game.session.participants] == [2, 1]


def test_naming_an_unknown_participant_is_refused() -> None:
    with pytest.raises(RuleViolation, match="next_participant_id") as refusal:
        play(chess(60_000)).start().switch(to="unknown", at=1_000)
    assert fields_of(refusal.value) == [("next_participant_id", "unknown_participant")]


def test_a_double_press_switches_once() -> None:
    game = play(chess(60_000)).start().switch(current=ANNA, at=1_000)
    with pytest.raises(NotActiveParticipant) as refusal:
        game.switch(current=ANNA, at=1_001)
    assert refusal.value.active_participant_id == BEN


def test_a_press_after_an_automatic_switch_is_refused() -> None:
    game = play(chess(5_000, auto_advance=True)).start()
    with pytest.raises(NotActiveParticipant):
        game.switch(current=ANNA, at=5_000)


def test_the_increment_is_added_for_the_participant_that_switches() -> None:
    game = play(chess(60_000, increment=1_000)).start().switch(at=5_000)
    assert (game.clock(ANNA, at=5_000), game.clock(BEN, at=5_000)) == (56_000, 60_000)


def test_the_increment_may_raise_a_bank_above_its_initial_value() -> None:
    assert play(chess(60_000, increment=2_000)).start().switch(at=500).clock(ANNA, at=500) == 61_500


@pytest.mark.parametrize(
    ("moved_at", "shown"), [(4_999, 1_001), (5_000, 0), (5_001, 0), (15_000, 0)]
)
def test_an_expired_clock_gets_no_increment(moved_at: int, shown: int) -> None:
    game = play(chess(5_000, increment=1_000)).start().switch(at=moved_at)
    assert game.clock(ANNA, at=moved_at) == shown


def test_an_expired_clock_stays_at_zero_and_uses_no_time() -> None:
    game = play(chess(5_000)).start().until(90_000)
    assert (game.active, game.status) == (ANNA, Status.RUNNING)
    assert (game.clock(ANNA, at=90_000), game.used(ANNA, at=90_000)) == (0, 5_000)
    assert (game.clock(BEN, at=90_000), game.deadline) == (5_000, None)


def test_expired_participants_are_skipped() -> None:
    game = play(chess(5_000, 60_000, 60_000)).start().switch(at=6_000)
    assert [game.active, *game.turns(3, every=1_000)] == [BEN, CLEO, BEN, CLEO]


def test_the_last_participant_with_time_left_gets_every_turn() -> None:
    game = play(chess(5_000, 60_000)).start().switch(at=6_000)
    assert game.turns(2, every=1_000) == [BEN, BEN]


def test_an_expired_participant_may_still_be_named() -> None:
    game = play(chess(5_000, 60_000, increment=1_000)).start().switch(at=6_000)
    game = game.switch(to=ANNA, at=7_000).until(9_000)
    assert (game.active, game.clock(ANNA, at=9_000), game.deadline) == (ANNA, 0, None)
    assert game.expired_at == [(5_000, ANNA)]
    assert game.switch(at=9_500).clock(ANNA, at=9_500) == 0


def test_a_switch_reports_whose_clock_had_expired() -> None:
    late = play(chess(5_000)).start().switch(at=6_000).last_change
    assert late.expiry is not None
    assert late.expiry.side.participant_id == ANNA
    assert late.expiry.action_applied == {"type": "notify"}
    assert play(chess(5_000)).start().switch(at=4_999).last_change.expiry is None
