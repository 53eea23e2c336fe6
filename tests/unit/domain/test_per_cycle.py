"""`per_cycle`: every cycle begins with its full time."""

import pytest

from shared.domain.session import Status, SyncMode
from tests.unit.domain.scenarios import ANNA, BEN, CLEO, chess, open_session, play, poker, seat


@pytest.mark.parametrize("moved_at", [1, 9_999, 10_000, 25_000])
def test_a_switch_begins_a_cycle_with_its_full_time(moved_at: int) -> None:
    game = play(poker(10_000)).start().switch(at=moved_at)
    assert (game.active, game.clock(BEN, at=moved_at)) == (BEN, 10_000)
    assert game.deadline == moved_at + 10_000


def test_the_active_participants_clock_runs_and_the_others_show_a_full_cycle() -> None:
    game = play(poker(10_000)).start()
    assert [game.clock(who, at=4_000) for who in (ANNA, BEN, CLEO)] == [6_000, 10_000, 10_000]


def test_banks_are_not_consumed_but_time_used_is_counted() -> None:
    seats = (seat(ANNA, 60_000), seat(BEN, 50_000))
    game = play(open_session(SyncMode.PER_CYCLE, *seats, time_per_cycle_ms=10_000)).start()
    game = game.switch(at=4_000).switch(at=7_000).switch(at=9_000)
    assert [p.bank_ms for p in game.session.participants] == [60_000, 50_000]
    assert (game.used(ANNA, at=9_000), game.used(BEN, at=9_500)) == (6_000, 3_500)


def test_without_a_cycle_time_each_participants_total_is_its_cycle_length() -> None:
    seats = (seat(ANNA, 5_000), seat(BEN, 8_000))
    game = play(open_session(SyncMode.PER_CYCLE, *seats)).start()
    assert (game.clock(ANNA, at=0), game.clock(BEN, at=0)) == (5_000, 8_000)
    game = game.switch(at=3_000)
    assert game.deadline == 11_000
    assert game.switch(at=4_000).deadline == 9_000


def test_the_cycle_time_overrides_a_participants_total() -> None:
    seats = (seat(ANNA, 5_000), seat(BEN, 8_000))
    game = play(open_session(SyncMode.PER_CYCLE, *seats, time_per_cycle_ms=20_000)).start()
    assert (game.deadline, game.clock(BEN, at=0)) == (20_000, 20_000)


def test_an_increment_never_lengthens_a_cycle() -> None:
    game = play(poker(10_000, players=2, increment_ms=5_000)).start().switch(at=1_000)
    assert game.switch(at=2_000).clock(ANNA, at=2_000) == 10_000


def test_participants_follow_in_the_order_of_their_index() -> None:
    game = play(poker(10_000)).start()
    assert [game.active, *game.turns(4, every=1_000)] == [ANNA, BEN, CLEO, ANNA, BEN]


def test_a_named_participant_is_next_and_rotation_continues_from_there() -> None:
    game = play(poker(10_000)).start().switch(to=CLEO, at=1_000)
    assert [game.active, *game.turns(2, every=1_000)] == [CLEO, ANNA, BEN]


def test_an_expired_cycle_stays_at_zero_and_uses_no_more_time() -> None:
    game = play(poker(10_000)).start().until(99_000)
    assert (game.active, game.clock(ANNA, at=99_000), game.used(ANNA, at=99_000)) == (
        ANNA,
        0,
        10_000,
    )
    assert game.status is Status.RUNNING


def test_a_participant_whose_cycle_expired_still_gets_its_next_turn() -> None:
    game = play(poker(10_000, players=2)).start().switch(at=12_000).switch(at=13_000)
    assert (game.active, game.clock(ANNA, at=13_000), game.deadline) == (ANNA, 10_000, 23_000)


def test_a_switch_reports_that_the_cycle_had_expired() -> None:
    late = play(poker(10_000)).start().switch(at=10_000).last_change
    assert late.expiry is not None
    assert late.expiry.side.participant_id == ANNA
    assert play(poker(10_000)).start().switch(at=9_999).last_change.expiry is None


def test_cycles_do_not_share_time_as_turns_share_a_bank() -> None:
    cycles = play(poker(10_000, players=2)).start()
    banks = play(chess(10_000)).start()
    for at in (9_000, 18_000):
        cycles, banks = cycles.switch(at=at), banks.switch(at=at)
    assert (cycles.clock(ANNA, at=18_000), banks.clock(ANNA, at=18_000)) == (10_000, 1_000)
