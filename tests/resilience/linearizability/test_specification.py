"""The checker with the session's specification accepts possible histories and detects bugs."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import pytest

from tests.resilience.linearizability.checker import Operation, check
from tests.resilience.linearizability.exchange import (
    TIME_DEPENDENT,
    Answer,
    Asked,
    Opening,
    Seat,
    SessionView,
    Verb,
)
from tests.resilience.linearizability.specification import Specification, State

ANNA, BEN, CARL = "anna", "ben", "carl"
CREATE = Asked(Verb.CREATE, opening=Opening("per_participant", (Seat(ANNA, 60), Seat(BEN, 60))))
START, SWITCH, PAUSE = Asked(Verb.START), Asked(Verb.SWITCH), Asked(Verb.PAUSE)
PAUSE_AHEAD = Asked(Verb.PAUSE_AHEAD, effective_at="2026-01-31T09:30:00Z")
READ, DELETE = Asked(Verb.READ), Asked(Verb.DELETE)
KEYED = replace(SWITCH, key="key")

Record = Operation[Asked, Answer]


def sequential(*asked: Asked) -> list[Record]:
    """Requests sent at 10, 20, ... and answered by the specification at 15, 25, ..."""
    return list(_operations(asked, count(10, 10)))


def _operations(asked: tuple[Asked, ...], instants: "count[int]") -> Iterator[Record]:
    state, specification = State(), Specification()
    for one, began in zip(asked, instants, strict=False):
        state, answer = specification.step(state, one)
        yield Operation("client", one, began, began + 5, answer)


def answers_to(*asked: Asked) -> list[Answer]:
    """Return the specification's answers to consecutive requests."""
    return [record.answer for record in sequential(*asked) if record.answer]


def last_of(*asked: Asked) -> Answer:
    """Return the last of `answers_to(*asked)`."""
    return answers_to(*asked)[-1]


def view_after(*asked: Asked) -> SessionView:
    """Return the session in the last answer."""
    view = last_of(*asked).session
    assert view
    return view


def is_linearizable(history: list[Record]) -> bool:
    """Return whether a history that begins before the creation is linearizable."""
    return check(history, Specification(), State()).is_linearizable


def concurrent_at_end(history: list[Record]) -> list[Record]:
    """Return `history` with its last two operations made concurrent."""
    return [*history[:-1], replace(history[-1], invoked_ns=history[-2].invoked_ns)]


def test_sequential_requests_are_linearizable() -> None:
    assert is_linearizable(sequential(CREATE, START, SWITCH, KEYED, KEYED, PAUSE, READ, DELETE))


def test_concurrent_operations_may_take_effect_in_either_order() -> None:
    *before, first, second = concurrent_at_end(sequential(CREATE, START, SWITCH, PAUSE))
    assert is_linearizable([*before, first, second])
    assert is_linearizable([*before, second, first])


def test_consecutive_operations_take_effect_in_their_order() -> None:
    *before, switch, pause = sequential(CREATE, START, SWITCH, PAUSE)
    swapped = [replace(switch, invoked_ns=60, answered_ns=65), pause]
    assert not is_linearizable([*before, *swapped])


@pytest.mark.parametrize("after", [3, 2])
def test_a_switch_with_a_lost_answer_may_have_been_made_or_not(after: int) -> None:
    *before, switch = sequential(CREATE, START, SWITCH)
    lost = replace(switch, answered_ns=None, answer=None)
    read = last_of(CREATE, START, SWITCH, READ) if after == 3 else last_of(CREATE, START, READ)
    assert is_linearizable([*before, lost, Operation("client", READ, 50, 55, read)])


def test_a_switch_with_a_lost_answer_may_be_made_late_but_not_twice() -> None:
    *before, switch = sequential(CREATE, START, SWITCH)
    lost = replace(switch, answered_ns=None, answer=None)
    reads = [
        Operation("client", READ, 50, 55, last_of(CREATE, START, READ)),
        Operation("client", READ, 60, 65, last_of(CREATE, START, SWITCH, READ)),
    ]
    assert is_linearizable([*before, lost, *reads])
    again = Operation("client", READ, 70, 75, last_of(CREATE, START, SWITCH, SWITCH, READ))
    assert not is_linearizable([*before, lost, *reads, again])


def test_a_lost_update_is_detected() -> None:
    add = Asked(Verb.ADD, newcomer=Seat(CARL, 60))
    *before, added, switched = concurrent_at_end(sequential(CREATE, START, add, SWITCH))
    alone = replace(view_after(CREATE, START, SWITCH), version=4)
    assert is_linearizable([*before, added, switched])
    assert not is_linearizable([*before, added, replace(switched, answer=Answer(200, alone))])


def test_a_lost_adjustment_is_detected() -> None:
    adjust = Asked(Verb.ADJUST, participant_id=BEN, total_time_ms=90)
    *before, read = sequential(CREATE, START, adjust, READ)
    view = view_after(CREATE, START, adjust, READ)
    forgotten = replace(view, seats=(Seat(ANNA, 59), Seat(BEN, 60)))
    assert is_linearizable([*before, replace(read, answer=Answer(200, view))])
    assert not is_linearizable([*before, replace(read, answer=Answer(200, forgotten))])


def test_a_stale_read_is_detected() -> None:
    history = sequential(CREATE, START, SWITCH, READ)
    stale = replace(history[-1], answer=last_of(CREATE, START, READ))
    assert not is_linearizable([*history[:-1], stale])
    assert is_linearizable(concurrent_at_end([*history[:-1], stale]))


def test_a_412_for_an_old_version_is_detected() -> None:
    precise = replace(SWITCH, if_match=3)
    history = sequential(CREATE, START, SWITCH, precise)
    refused = Answer(412, code="PRECONDITION_FAILED", detail=2)
    assert not is_linearizable([*history[:-1], replace(history[-1], answer=refused)])


def test_two_switches_with_one_idempotency_key_are_detected() -> None:
    *before, first, second = concurrent_at_end(sequential(CREATE, START, KEYED, KEYED))
    assert is_linearizable([*before, first, second])
    twice = replace(second, answer=last_of(CREATE, START, SWITCH, SWITCH))
    assert not is_linearizable([*before, first, twice])


def test_a_change_retried_after_a_lost_answer_is_made_once() -> None:
    *before, lost, retry = sequential(CREATE, START, KEYED, KEYED)
    lost = replace(lost, answered_ns=None, answer=None)
    assert is_linearizable([*before, lost, retry])
    assert is_linearizable([*before, lost, replace(retry, answer=last_of(CREATE, START, KEYED))])
    twice = replace(retry, answer=last_of(CREATE, START, SWITCH, SWITCH))
    assert not is_linearizable([*before, lost, twice])


def test_a_duplicate_version_is_detected() -> None:
    *before, switched, paused = concurrent_at_end(sequential(CREATE, START, SWITCH, PAUSE))
    twice = replace(view_after(CREATE, START, PAUSE), version=3)
    assert not is_linearizable([*before, switched, replace(paused, answer=Answer(200, twice))])


def test_a_skipped_version_is_detected() -> None:
    *before, switched = sequential(CREATE, START, SWITCH)
    skipped = replace(view_after(CREATE, START, SWITCH), version=4)
    assert not is_linearizable([*before, replace(switched, answer=Answer(200, skipped))])


def test_a_lost_command_ahead_of_time_is_detected() -> None:
    *before, read = sequential(CREATE, START, PAUSE_AHEAD, READ)
    assert is_linearizable([*before, read])
    view = view_after(CREATE, START, PAUSE_AHEAD, READ)
    lost = replace(read, answer=Answer(200, replace(view, is_scheduled=False)))
    assert not is_linearizable([*before, lost])


def test_a_command_ahead_of_time_is_void_after_a_pause() -> None:
    resume, unschedule = Asked(Verb.RESUME), Asked(Verb.UNSCHEDULE)
    assert view_after(CREATE, START, PAUSE_AHEAD, SWITCH, READ).is_scheduled
    assert not view_after(CREATE, START, PAUSE_AHEAD, unschedule).is_scheduled
    after_pause = last_of(CREATE, START, PAUSE_AHEAD, PAUSE, resume, unschedule)
    assert after_pause == Answer(409, code="NOTHING_SCHEDULED")
    assert last_of(CREATE, START, PAUSE_AHEAD, PAUSE_AHEAD) == Answer(409, code="CONFLICT")


def test_an_advance_is_a_version_of_a_test_session_only() -> None:
    advance = Asked(Verb.ADVANCE)
    assert last_of(CREATE, START, advance) == Answer(409, code="NOT_A_TEST_SESSION")
    assert CREATE.opening
    create = replace(CREATE, opening=replace(CREATE.opening, test=True))
    before, after = view_after(create, START), view_after(create, START, advance)
    assert after == replace(before, version=before.version + 1)


def test_a_session_that_reappears_after_its_deletion_is_detected() -> None:
    *before, read = sequential(CREATE, START, DELETE, READ)
    assert is_linearizable([*before, read])
    assert not is_linearizable([*before, replace(read, answer=last_of(CREATE, START, READ))])


def test_only_the_bank_of_a_clock_that_has_run_may_have_any_value() -> None:
    assert view_after(CREATE, START, SWITCH).seats == (Seat(ANNA, TIME_DEPENDENT), Seat(BEN, 60))
    *before, switched = sequential(CREATE, START, SWITCH)
    view = view_after(CREATE, START, SWITCH)
    ran = replace(view, seats=(Seat(ANNA, 41), Seat(BEN, 60)))
    wrong = replace(view, seats=(Seat(ANNA, 41), Seat(BEN, 59)))
    assert is_linearizable([*before, replace(switched, answer=Answer(200, ran))])
    assert not is_linearizable([*before, replace(switched, answer=Answer(200, wrong))])
