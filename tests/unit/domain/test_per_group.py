"""`per_group`: the bank of the active participant's group runs."""

import pytest

from shared.domain.commands import NewGroup
from shared.domain.session import Status, SyncMode
from shared.domain.units import Millis
from tests.unit.domain.scenarios import (
    ANNA,
    BEN,
    BLUE,
    CLEO,
    DAN,
    GREEN,
    RED,
    open_session,
    play,
    seat,
    teams,
)


def test_the_bank_of_a_group_runs_while_one_of_its_members_is_active() -> None:
    match = play(teams(10_000, RED, BLUE, RED, BLUE)).start().switch(at=3_000)
    assert [match.clock(who, at=5_000) for who in (ANNA, BEN, CLEO, DAN)] == [
        17_000,
        18_000,
        17_000,
        18_000,
    ]


def test_a_groups_bank_is_the_sum_of_its_members() -> None:
    seats = (
        seat(ANNA, 4_000, group=RED),
        seat(BEN, 9_000, group=BLUE),
        seat(CLEO, 5_000, group=RED),
    )
    match = play(open_session(SyncMode.PER_GROUP, *seats)).start()
    assert (match.deadline, match.clock(BEN, at=0)) == (9_000, 9_000)


def test_a_given_bank_overrides_the_sum() -> None:
    given = (NewGroup(RED, Millis(50_000)),)
    match = play(teams(10_000, RED, BLUE, RED, groups=given)).start()
    assert (match.clock(CLEO, at=0), match.clock(BEN, at=0)) == (50_000, 10_000)


def test_a_participant_without_a_group_is_a_group_of_its_own() -> None:
    seats = (seat(ANNA, 4_000), seat(BEN, 9_000, group=BLUE), seat(CLEO, 5_000))
    match = play(open_session(SyncMode.PER_GROUP, *seats)).start()
    assert [group.group_id for group in match.session.groups] == [ANNA, BLUE, CLEO]
    assert match.turns(3, every=1_000) == [BEN, CLEO, ANNA]


def test_groups_take_turns_in_the_order_of_their_first_members() -> None:
    match = play(teams(10_000, GREEN, RED, RED, BLUE)).start()
    assert [match.active, *match.turns(4, every=1_000)] == [ANNA, BEN, DAN, ANNA, CLEO]


def test_the_members_of_a_group_take_turns_in_rotation() -> None:
    match = play(teams(10_000, RED, BLUE, RED, RED)).start()
    assert match.turns(7, every=1_000) == [BEN, CLEO, BEN, DAN, BEN, ANNA, BEN]


def test_rotation_within_a_group_continues_after_a_named_member() -> None:
    match = play(teams(10_000, RED, BLUE, RED, RED)).start().switch(at=1_000)
    match = match.switch(to=DAN, at=2_000)
    assert match.turns(4, every=1_000) == [BEN, ANNA, BEN, CLEO]


def test_another_member_of_the_same_group_may_be_named() -> None:
    match = play(teams(10_000, RED, BLUE, RED)).start().switch(to=CLEO, at=4_000)
    assert (match.active, match.clock(CLEO, at=5_000)) == (CLEO, 15_000)
    assert (match.used(ANNA, at=5_000), match.used(CLEO, at=5_000)) == (4_000, 1_000)


def test_the_increment_is_added_to_the_bank_of_the_group_that_switches() -> None:
    match = play(teams(10_000, RED, BLUE, RED, increment_ms=2_000)).start().switch(at=5_000)
    assert (match.clock(CLEO, at=5_000), match.clock(BEN, at=5_000)) == (17_000, 10_000)


@pytest.mark.parametrize(("moved_at", "shown"), [(19_999, 2_001), (20_000, 0), (33_000, 0)])
def test_an_expired_bank_gets_no_increment(moved_at: int, shown: int) -> None:
    match = play(teams(10_000, RED, BLUE, RED, increment_ms=2_000)).start().switch(at=moved_at)
    assert match.clock(ANNA, at=moved_at) == shown


def test_members_own_banks_are_never_consumed_but_time_used_is_counted() -> None:
    match = play(teams(10_000, RED, BLUE, RED, BLUE)).start().switch(at=3_000).switch(at=5_000)
    assert {p.bank_ms for p in match.session.participants} == {10_000}
    assert [match.used(who, at=6_000) for who in (ANNA, BEN, CLEO, DAN)] == [3_000, 2_000, 1_000, 0]


def test_an_expired_group_is_skipped() -> None:
    match = play(teams(5_000, RED, BLUE, GREEN)).start().switch(at=6_000)
    assert [match.active, *match.turns(3, every=1_000)] == [BEN, CLEO, BEN, CLEO]


def test_the_last_group_with_time_left_rotates_among_its_members() -> None:
    match = play(teams(5_000, RED, BLUE, BLUE, BLUE)).start().switch(at=6_000)
    assert [match.active, *match.turns(3, every=1_000)] == [BEN, CLEO, DAN, BEN]


def test_a_member_of_an_expired_group_may_still_be_named() -> None:
    match = play(teams(5_000, RED, BLUE, RED)).start().switch(at=11_000).switch(to=CLEO, at=12_000)
    assert (match.active, match.clock(CLEO, at=20_000), match.deadline) == (CLEO, 0, None)


def test_a_flag_fall_names_the_group() -> None:
    match = play(teams(5_000, RED, BLUE, RED)).start().until(11_000)
    assert (match.expired_at, match.status) == ([(10_000, RED)], Status.RUNNING)
    expiry = match.switch(at=12_000).last_change.expiry
    assert expiry is not None
    assert (expiry.side.group_id, expiry.side.participant_id) == (RED, None)


def test_the_session_expires_with_the_last_group() -> None:
    match = play(teams(5_000, RED, BLUE, RED)).start().switch(at=11_000).until(90_000)
    assert match.expired_at == [(10_000, RED), (16_000, BLUE)]
    assert (match.status, match.session.session_completed_at) == (Status.EXPIRED, 16_000)
