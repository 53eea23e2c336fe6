"""Creating a session: validation rules and initial values."""

import pytest

from shared.application.session_encoding import encode_session
from shared.domain.commands import Create, NewGroup, NewParticipant
from shared.domain.creation import create
from shared.domain.errors import RuleViolation
from shared.domain.events import EventType
from shared.domain.session import Session, Status, SyncMode, TimeoutAction, TimeoutKind
from shared.domain.units import Instant, Millis
from tests.unit.domain.scenarios import (
    ANNA,
    BEN,
    BLUE,
    CLEO,
    MODES_WITH_TURNS,
    RED,
    chess,
    create_command,
    exam,
    fields_of,
    open_session,
    play,
    poker,
    race,
    seat,
    teams,
)

MS = Millis(60_000)
WITH_PARTICIPANTS = (SyncMode.PER_PARTICIPANT, SyncMode.PER_CYCLE, SyncMode.PER_GROUP)

INVALID: dict[str, tuple[Create, list[tuple[str, str]]]] = {
    **{
        f"no_participants_in_{mode}": (
            create_command(mode, time_per_cycle_ms=MS),
            [("participants", "too_short")],
        )
        for mode in WITH_PARTICIPANTS
    },
    **{
        f"no_time_in_{mode}": (
            create_command(mode, seat(ANNA, MS), seat(BEN)),
            [("participants.1.total_time_ms", "missing")],
        )
        for mode in WITH_PARTICIPANTS
    },
    **{
        f"id_twice_in_{mode}": (
            create_command(mode, seat(ANNA, MS), seat(BEN, MS), seat(ANNA, MS), total_time_ms=MS),
            [("participants.2.participant_id", "duplicate")],
        )
        for mode in MODES_WITH_TURNS
    },
    **{
        f"index_twice_in_{mode}": (
            create_command(mode, seat(ANNA, MS, index=4), seat(BEN, MS, index=4), total_time_ms=MS),
            [("participants.1.participant_index", "duplicate")],
        )
        for mode in MODES_WITH_TURNS
    },
    **{
        f"unknown_starter_in_{mode}": (
            create_command(mode, seat(ANNA, MS), total_time_ms=MS, active_participant_id=BEN),
            [("active_participant_id", "unknown_participant")],
        )
        for mode in MODES_WITH_TURNS
    },
    **{
        f"groups_in_{mode}": (
            create_command(mode, seat(ANNA, MS), total_time_ms=MS, groups=(NewGroup(RED, MS),)),
            [("groups", "not_allowed")],
        )
        for mode in MODES_WITH_TURNS
        if mode is not SyncMode.PER_GROUP
    },
    "a_starter_without_participants": (
        create_command(SyncMode.COUNT_UP, active_participant_id=ANNA),
        [("active_participant_id", "unknown_participant")],
    ),
    "an_index_equal_to_another_position": (
        create_command(SyncMode.COUNT_UP, seat(ANNA, index=1), seat(BEN)),
        [("participants.1.participant_index", "duplicate")],
    ),
    "no_clock_in_global": (
        create_command(SyncMode.GLOBAL, seat(ANNA, MS)),
        [("total_time_ms", "missing")],
    ),
    "a_group_twice": (
        create_command(
            SyncMode.PER_GROUP, seat(ANNA, group=RED), groups=(NewGroup(RED, MS), NewGroup(RED, MS))
        ),
        [("groups.1.group_id", "duplicate")],
    ),
    "a_group_without_members": (
        create_command(
            SyncMode.PER_GROUP,
            seat(ANNA, group=RED),
            groups=(NewGroup(RED, MS), NewGroup(BLUE, MS)),
        ),
        [("groups.1.group_id", "empty_group")],
    ),
    "several_rules_at_once": (
        create_command(
            SyncMode.PER_PARTICIPANT,
            seat(ANNA, MS),
            seat(ANNA, index=0),
            active_participant_id=CLEO,
        ),
        [
            ("active_participant_id", "unknown_participant"),
            ("participants.1.participant_id", "duplicate"),
            ("participants.1.participant_index", "duplicate"),
            ("participants.1.total_time_ms", "missing"),
        ],
    ),
}


@pytest.mark.parametrize(("command", "violations"), INVALID.values(), ids=list(INVALID))
def test_every_violated_rule_is_reported_with_its_field(
    command: Create, violations: list[tuple[str, str]]
) -> None:
    with pytest.raises(RuleViolation, match=r"^Request validation failed$") as refusal:
        create(command, Instant(0))
    assert sorted(fields_of(refusal.value)) == violations
    assert all(violation.message for violation in refusal.value.violations)


@pytest.mark.parametrize("mode", MODES_WITH_TURNS)
def test_a_session_begins_pending_at_version_1(mode: SyncMode) -> None:
    change = create(create_command(mode, seat(ANNA, MS), total_time_ms=MS), Instant(77))
    session = change.session
    assert (change.type, change.occurred_at) == (EventType.SESSION_CREATED, 77)
    assert (session.status, session.version) == (Status.PENDING, 1)
    assert (session.created_at, session.updated_at) == (77, 77)
    assert session.cycle_started_at is session.session_started_at is None
    assert session.session_completed_at is None


def test_omitted_options_have_defaults() -> None:
    session = chess(60_000)
    assert session.action_on_timeout == TimeoutAction(TimeoutKind.NOTIFY)
    assert (session.increment_ms, session.auto_advance, session.warn_at_ms) == (0, False, ())
    assert (session.metadata, session.max_time_ms, session.time_per_cycle_ms) == (None, None, None)


def test_given_options_are_kept() -> None:
    table = {"stakes": [1, 2], "room": {"name": "blue"}}
    session = chess(60_000, metadata=table, warn_at_ms=(9_000, 3_000), total_time_ms=Millis(1_000))
    assert (session.metadata, session.warn_at_ms) == (table, (9_000, 3_000))
    assert session.total_time_ms == 1_000


def test_an_index_defaults_to_the_position() -> None:
    session = open_session(SyncMode.COUNT_UP, seat(ANNA, index=5), seat(BEN), seat(CLEO))
    assert {p.participant_id: p.participant_index for p in session.participants} == {
        ANNA: 5,
        BEN: 1,
        CLEO: 2,
    }


@pytest.mark.parametrize("mode", MODES_WITH_TURNS)
def test_the_lowest_index_starts_unless_a_starter_is_named(mode: SyncMode) -> None:
    seats = (seat(ANNA, MS, index=9), seat(BEN, MS, index=3), seat(CLEO, MS, index=6))
    assert play(open_session(mode, *seats, total_time_ms=MS)).start().active == BEN
    named = open_session(mode, *seats, total_time_ms=MS, active_participant_id=CLEO)
    assert play(named).start().turns(2, every=1_000) == [ANNA, BEN]


@pytest.mark.parametrize(
    "session", [exam(total=60_000, players=0), exam(cycle=60_000, players=0), race(players=0)]
)
def test_a_session_without_participants_has_no_active_one(session: Session) -> None:
    assert play(session).start().active is None


@pytest.mark.parametrize(
    ("total", "expected"),
    [
        pytest.param(chess(20_000, 30_000).total_time_ms, 50_000, id="the_sum_of_the_banks"),
        pytest.param(teams(9_000, RED, BLUE, RED).total_time_ms, 27_000, id="of_the_members"),
        pytest.param(
            open_session(SyncMode.COUNT_UP, seat(ANNA, 9_000), seat(BEN)).total_time_ms,
            9_000,
            id="of_participants_with_time",
        ),
        pytest.param(poker(9_000).total_time_ms, None, id="none_without_banks"),
        pytest.param(race(9_000).total_time_ms, None, id="none_from_a_ceiling"),
        pytest.param(exam(total=9_000).total_time_ms, 9_000, id="as_given"),
        pytest.param(
            poker(9_000, total_time_ms=5_000).total_time_ms, 5_000, id="as_given_in_per_cycle"
        ),
    ],
)
def test_the_total_is_the_sum_of_the_participants_unless_given(
    total: int | None, expected: int | None
) -> None:
    assert total == expected


def test_a_global_session_ignores_the_times_of_its_participants() -> None:
    session = open_session(SyncMode.GLOBAL, seat(ANNA, 9_000), time_per_cycle_ms=Millis(60_000))
    assert play(session).start().deadline == 60_000


@pytest.mark.parametrize("index_of_ben", [1, 7])
def test_groups_are_in_the_order_of_their_first_members(index_of_ben: int) -> None:
    seats = (
        seat(BEN, 9_000, index=index_of_ben, group=BLUE),
        seat(ANNA, 9_000, index=4, group=RED),
    )
    groups = open_session(SyncMode.PER_GROUP, *seats).groups
    assert [g.group_id for g in groups] == ([BLUE, RED] if index_of_ben < 4 else [RED, BLUE])


def test_members_of_a_group_with_a_bank_need_no_time() -> None:
    session = open_session(
        SyncMode.PER_GROUP,
        seat(ANNA, group=RED),
        seat(BEN, 9_000, group=BLUE),
        groups=(NewGroup(RED, MS),),
    )
    assert [play(session).clock(who, at=0) for who in (ANNA, BEN)] == [60_000, 9_000]


def test_a_participant_without_a_group_may_have_a_group_bank() -> None:
    session = open_session(SyncMode.PER_GROUP, seat(ANNA), groups=(NewGroup(ANNA, MS),))
    assert play(session).start().deadline == 60_000


def test_names_are_stored_and_an_own_group_takes_its_name_from_the_groups_only() -> None:
    people = (
        NewParticipant(ANNA, total_time_ms=MS, name="Anna"),
        NewParticipant(BEN, total_time_ms=MS, name="Ben"),
        NewParticipant(CLEO, total_time_ms=MS, group_id=RED),
    )
    groups = (NewGroup(ANNA, MS, name="Team Anna"), NewGroup(RED, MS))
    made = create(Create("s", SyncMode.PER_GROUP, people, groups), Instant(0)).session
    assert [p.name for p in made.participants] == ["Anna", "Ben", None]
    assert [(g.group_id, g.name) for g in made.groups] == [
        (ANNA, "Team Anna"),
        (BEN, None),
        (RED, None),
    ]


def test_a_session_without_names_is_stored_as_before() -> None:
    assert b"name" not in encode_session(teams(60_000, RED, BLUE))
