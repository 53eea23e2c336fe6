"""The commands that each status allows, and the change that each command makes."""

import pytest

from shared.domain import commands as c
from shared.domain.errors import InvalidTransition, UnknownParticipant
from shared.domain.events import EventType
from shared.domain.session import Session, Status
from shared.domain.units import Millis
from tests.unit.domain.scenarios import (
    ANNA,
    BEN,
    BLUE,
    CLEO,
    RED,
    Play,
    chess,
    exam,
    on_timeout,
    play,
    poker,
    race,
    seat,
    teams,
)

PENDING_GAME = play(chess(60_000, action_on_timeout=on_timeout("end_session")))
IN = {
    Status.PENDING: PENDING_GAME,
    Status.RUNNING: PENDING_GAME.start(),
    Status.PAUSED: PENDING_GAME.start().pause(at=5_000),
    Status.EXPIRED: PENDING_GAME.start().until(60_000),
    Status.COMPLETED: PENDING_GAME.start().complete(at=5_000),
    Status.CANCELLED: PENDING_GAME.cancel(at=5_000),
}
NOW = 60_000 - 1
SECOND_CYCLE = PENDING_GAME.start().switch(at=5_000)

ADD = c.AddParticipant(seat(CLEO, 60_000))
ADJUST = c.AdjustTime(ANNA, Millis(30_000))

NOT_ENDED = (Status.PENDING, Status.RUNNING, Status.PAUSED)
TRANSITIONS: list[tuple[c.Command, str, dict[Status, Status]]] = [
    (c.Start(), "cannot be started", {Status.PENDING: Status.RUNNING}),
    (c.Switch(), "not running", {Status.RUNNING: Status.RUNNING}),
    (c.Pause(), "cannot be paused", {Status.RUNNING: Status.PAUSED}),
    (c.Resume(), "cannot be resumed", {Status.PAUSED: Status.RUNNING}),
    (c.Complete(), "cannot be completed", dict.fromkeys(NOT_ENDED, Status.COMPLETED)),
    (c.Cancel(), "cannot be cancelled", dict.fromkeys(NOT_ENDED, Status.CANCELLED)),
    (ADD, "cannot take participants", {status: status for status in NOT_ENDED}),
    (ADJUST, "cannot be adjusted", {status: status for status in NOT_ENDED}),
    (c.Delete(), "", {status: status for status in Status}),
]
ALLOWED = [
    pytest.param(command, before, after, id=f"{type(command).__name__}-{before}")
    for command, _, outcomes in TRANSITIONS
    for before, after in outcomes.items()
]
REFUSED = [
    pytest.param(command, status, message, id=f"{type(command).__name__}-{status}")
    for command, message, outcomes in TRANSITIONS
    for status in Status
    if status not in outcomes
]


@pytest.mark.parametrize("status", list(Status))
def test_each_scenario_has_the_status_it_is_listed_under(status: Status) -> None:
    assert IN[status].until(NOW).status is status


@pytest.mark.parametrize(("command", "before", "after"), ALLOWED)
def test_an_allowed_command_makes_exactly_one_change(
    command: c.Command, before: Status, after: Status
) -> None:
    game = IN[before].do(command, at=NOW)
    assert (game.status, game.session.version) == (after, IN[before].session.version + 1)
    assert (game.last_change.occurred_at, game.session.updated_at) == (NOW, NOW)


@pytest.mark.parametrize(("command", "status", "message"), REFUSED)
def test_a_refusal_states_the_reason_and_the_status(
    command: c.Command, status: Status, message: str
) -> None:
    with pytest.raises(InvalidTransition, match=f"{message}.*{status}"):
        IN[status].do(command, at=NOW)


EVENTS = {
    EventType.SESSION_STARTED: PENDING_GAME.start(),
    EventType.CYCLE_SWITCHED: PENDING_GAME.start().switch(at=1_000),
    EventType.TIME_EXPIRED: PENDING_GAME.start().until(60_000),
    EventType.SESSION_PAUSED: PENDING_GAME.start().pause(at=1_000),
    EventType.SESSION_RESUMED: PENDING_GAME.start().pause(at=1_000).resume(at=2_000),
    EventType.SESSION_COMPLETED: PENDING_GAME.complete(at=1_000),
    EventType.SESSION_CANCELLED: PENDING_GAME.cancel(at=1_000),
    EventType.SESSION_DELETED: PENDING_GAME.do(c.Delete(), at=1_000),
    EventType.PARTICIPANT_ADDED: PENDING_GAME.do(ADD, at=1_000),
    EventType.PARTICIPANT_TIME_ADJUSTED: PENDING_GAME.do(ADJUST, at=1_000),
}


@pytest.mark.parametrize(("event", "game"), EVENTS.items(), ids=list(EVENTS))
def test_each_command_makes_an_event_of_its_type(event: EventType, game: Play) -> None:
    assert game.last_change.type is event


def test_a_session_begins_pending_at_version_1_with_no_clock_running() -> None:
    assert (PENDING_GAME.status, PENDING_GAME.session.version, PENDING_GAME.deadline) == (
        Status.PENDING,
        1,
        None,
    )
    assert PENDING_GAME.until(10**9) == PENDING_GAME


def test_start_begins_the_first_cycle() -> None:
    game = PENDING_GAME.start(at=700)
    assert (game.session.session_started_at, game.session.cycle_started_at) == (700, 700)
    assert (game.active, game.session.cycle_number, game.deadline) == (ANNA, 1, 60_700)


@pytest.mark.parametrize(
    ("session", "left"),
    [
        pytest.param(chess(9_000), 6_544, id="per_participant"),
        pytest.param(poker(9_000), 6_544, id="per_cycle"),
        pytest.param(teams(9_000, RED, BLUE), 6_544, id="per_group"),
        pytest.param(exam(total=60_000, cycle=9_000), 6_544, id="global"),
        pytest.param(race(9_000), 6_544, id="count_up"),
    ],
)
def test_a_pause_stops_the_clock_to_the_millisecond(session: Session, left: int) -> None:
    game = play(session).start(at=1_000).pause(at=3_456)
    assert (game.clock(ANNA, at=77_777), game.used(ANNA, at=77_777)) == (left, 2_456)
    assert game.session.cycle_started_at is None
    game = game.resume(at=100_000)
    assert game.deadline == 100_000 + left
    assert [game.clock(ANNA, at=at) for at in (100_000, 100_001)] == [left, left - 1]


def test_many_pauses_lose_no_millisecond() -> None:
    game = play(chess(60_000)).start()
    for at in range(1_001, 50_000, 1_000):
        game = game.pause(at=at).resume(at=at + 7)
    assert game.deadline == 60_000 + 49 * 7


def test_a_pause_ends_no_cycle() -> None:
    game = PENDING_GAME.start().switch(at=1_000).pause(at=2_000).resume(at=9_000)
    assert (game.active, game.session.cycle_number) == (BEN, 2)
    assert game.session.session_started_at == 0


def test_an_expired_clock_stays_at_zero_after_a_pause() -> None:
    game = play(chess(5_000)).start().pause(at=6_000).resume(at=7_000).until(60_000)
    assert (game.expired_at, game.clock(ANNA, at=60_000)) == ([(5_000, ANNA)], 0)


@pytest.mark.parametrize("ending", [c.Complete(), c.Cancel()])
@pytest.mark.parametrize("status", NOT_ENDED)
def test_an_ended_session_keeps_the_values_of_its_clocks(ending: c.Command, status: Status) -> None:
    before, at = IN[status], 7_000
    game = before.do(ending, at=at)
    assert game.clock(ANNA, at=10**6) == before.clock(ANNA, at=at)
    assert (game.session.session_completed_at, game.deadline) == (at, None)
    assert game.until(10**6).expiries == []


@pytest.mark.parametrize(
    ("game", "left", "used"),
    [
        pytest.param(PENDING_GAME.start(at=700), 60_000, 0, id="started"),
        pytest.param(SECOND_CYCLE.switch(at=7_000), 58_000, 2_000, id="switched"),
        pytest.param(SECOND_CYCLE.pause(at=7_000), 58_000, 2_000, id="paused"),
        pytest.param(
            SECOND_CYCLE.pause(at=7_000).resume(at=9_000).switch(at=10_000),
            57_000,
            3_000,
            id="switched_after_a_pause",
        ),
        pytest.param(SECOND_CYCLE.complete(at=7_000), 58_000, 2_000, id="completed"),
        pytest.param(SECOND_CYCLE.do(c.Delete(), at=7_000), 58_000, 2_000, id="deleted"),
        pytest.param(SECOND_CYCLE.until(99_000), 0, 60_000, id="expired"),
        pytest.param(
            play(poker(9_000, auto_advance=True)).start().until(9_000), 0, 9_000, id="advanced"
        ),
        pytest.param(SECOND_CYCLE.adjust(ANNA, 9_000, at=7_000), 9_000, 2_000, id="adjusted"),
    ],
)
def test_a_change_records_the_remaining_and_the_elapsed_time(
    game: Play, left: int, used: int
) -> None:
    assert (game.last_change.time_remaining_ms, game.last_change.time_elapsed_ms) == (left, used)


@pytest.mark.parametrize(
    "game",
    [
        pytest.param(PENDING_GAME.start().switch(at=5_000), id="switched"),
        pytest.param(play(poker(9_000, auto_advance=True)).start().until(9_000), id="advanced"),
    ],
)
def test_a_switch_records_the_previous_and_the_next_participant(game: Play) -> None:
    assert game.last_change.side.participant_id == ANNA
    assert (game.last_change.metadata or {}).get("next_participant_id") == BEN


def test_a_backward_jump_of_the_system_clock_counts_as_no_time() -> None:
    game = play(chess(60_000)).start(at=50_000).switch(at=40_000)
    assert (game.clock(ANNA, at=45_000), game.clock(BEN, at=45_000)) == (60_000, 55_000)


@pytest.mark.parametrize("status", NOT_ENDED)
def test_the_clock_of_an_unknown_participant_cannot_be_adjusted(status: Status) -> None:
    with pytest.raises(UnknownParticipant) as refusal:
        IN[status].adjust("unknown", 5_000, at=7_000)
    assert refusal.value.participant_id == "unknown"


def test_a_wrong_status_is_reported_before_an_unknown_participant() -> None:
    with pytest.raises(InvalidTransition):
        IN[Status.COMPLETED].adjust("unknown", 5_000, at=7_000)


def test_a_session_is_completed_with_its_result_in_one_version() -> None:
    started = play(chess(60_000, metadata={"table": 1})).start()
    result = {"table": 1, "result": {"winner": ANNA, "by": "mate"}}
    ended = started.do(c.Complete(result), at=5)
    assert (ended.status, ended.session.metadata) == (Status.COMPLETED, result)
    assert ended.session.version == started.session.version + 1
    assert ended.last_change.type is EventType.SESSION_COMPLETED
    assert ended.last_change.metadata == {"fields": ["metadata"]}
    assert started.complete(at=5).session.metadata == {"table": 1}
