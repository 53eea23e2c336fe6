"""Histories of a session, made by hand: which could have been, and which tell of a bug."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import pytest

from tests.resilience.linearizability.checker import Operation, check
from tests.resilience.linearizability.exchange import (
    TIME_DECIDES,
    Answer,
    Asked,
    Opening,
    Seat,
    Shown,
    Verb,
)
from tests.resilience.linearizability.specification import Specification, State

ANNA, BEN, CARL = "anna", "ben", "carl"
CREATE = Asked(Verb.CREATE, opening=Opening("per_participant", (Seat(ANNA, 60), Seat(BEN, 60))))
START, SWITCH, PAUSE = Asked(Verb.START), Asked(Verb.SWITCH), Asked(Verb.PAUSE)
READ, DELETE = Asked(Verb.READ), Asked(Verb.DELETE)
KEYED = replace(SWITCH, key="key")

Record = Operation[Asked, Answer]


def one_by_one(*asked: Asked) -> list[Record]:
    """What the specification answers, each asked for at 10, 20, ... and answered at 15, 25, ..."""
    return list(_played(asked, count(10, 10)))


def _played(asked: tuple[Asked, ...], instants: "count[int]") -> Iterator[Record]:
    state, specification = State(), Specification()
    for one, began in zip(asked, instants, strict=False):
        state, answer = specification.step(state, one)
        yield Operation("client", one, began, began + 5, answer)


def answers_to(*asked: Asked) -> list[Answer]:
    """The answers alone."""
    return [record.seen for record in one_by_one(*asked) if record.seen]


def last_of(*asked: Asked) -> Answer:
    """The last answer."""
    return answers_to(*asked)[-1]


def shown_by(*asked: Asked) -> Shown:
    """What the last answer shows."""
    shown = last_of(*asked).shown
    assert shown
    return shown


def is_linearizable(history: list[Record]) -> bool:
    """Whether a history from the very beginning is."""
    return check(history, Specification(), State()).is_linearizable


def at_once(history: list[Record]) -> list[Record]:
    """The same with the last two at the same time."""
    return [*history[:-1], replace(history[-1], invoked=history[-2].invoked)]


def test_what_came_one_by_one_is_linearizable() -> None:
    assert is_linearizable(one_by_one(CREATE, START, SWITCH, KEYED, KEYED, PAUSE, READ, DELETE))


def test_of_two_at_once_either_may_have_been_first() -> None:
    *before, first, second = at_once(one_by_one(CREATE, START, SWITCH, PAUSE))
    assert is_linearizable([*before, first, second])
    assert is_linearizable([*before, second, first])


def test_of_two_in_a_row_the_first_was_first() -> None:
    *before, switch, pause = one_by_one(CREATE, START, SWITCH, PAUSE)
    swapped = [replace(switch, invoked=60, answered=65), pause]
    assert not is_linearizable([*before, *swapped])


@pytest.mark.parametrize("after", [3, 2])
def test_a_lost_switch_may_have_happened_or_not(after: int) -> None:
    *before, switch = one_by_one(CREATE, START, SWITCH)
    lost = replace(switch, answered=None, seen=None)
    read = last_of(CREATE, START, SWITCH, READ) if after == 3 else last_of(CREATE, START, READ)
    assert is_linearizable([*before, lost, Operation("client", READ, 50, 55, read)])


def test_a_lost_switch_may_come_late_but_not_twice() -> None:
    *before, switch = one_by_one(CREATE, START, SWITCH)
    lost = replace(switch, answered=None, seen=None)
    reads = [
        Operation("client", READ, 50, 55, last_of(CREATE, START, READ)),
        Operation("client", READ, 60, 65, last_of(CREATE, START, SWITCH, READ)),
    ]
    assert is_linearizable([*before, lost, *reads])
    again = Operation("client", READ, 70, 75, last_of(CREATE, START, SWITCH, SWITCH, READ))
    assert not is_linearizable([*before, lost, *reads, again])


def test_a_lost_update_is_found() -> None:
    add = Asked(Verb.ADD, newcomer=Seat(CARL, 60))
    *before, added, switched = at_once(one_by_one(CREATE, START, add, SWITCH))
    alone = replace(shown_by(CREATE, START, SWITCH), version=4)
    assert is_linearizable([*before, added, switched])
    assert not is_linearizable([*before, added, replace(switched, seen=Answer(200, alone))])


def test_a_lost_adjustment_is_found() -> None:
    adjust = Asked(Verb.ADJUST, participant_id=BEN, total_time_ms=90)
    *before, read = one_by_one(CREATE, START, adjust, READ)
    shown = shown_by(CREATE, START, adjust, READ)
    forgotten = replace(shown, seats=(Seat(ANNA, 59), Seat(BEN, 60)))
    assert is_linearizable([*before, replace(read, seen=Answer(200, shown))])
    assert not is_linearizable([*before, replace(read, seen=Answer(200, forgotten))])


def test_a_stale_read_is_found() -> None:
    history = one_by_one(CREATE, START, SWITCH, READ)
    stale = replace(history[-1], seen=last_of(CREATE, START, READ))
    assert not is_linearizable([*history[:-1], stale])
    assert is_linearizable(at_once([*history[:-1], stale]))


def test_a_stale_refusal_is_found() -> None:
    precise = replace(SWITCH, if_match=3)
    history = one_by_one(CREATE, START, SWITCH, precise)
    refused = Answer(412, code="PRECONDITION_FAILED", detail=2)
    assert not is_linearizable([*history[:-1], replace(history[-1], seen=refused)])


def test_two_switches_of_one_idempotency_key_are_found() -> None:
    *before, first, second = at_once(one_by_one(CREATE, START, KEYED, KEYED))
    assert is_linearizable([*before, first, second])
    twice = replace(second, seen=last_of(CREATE, START, SWITCH, SWITCH))
    assert not is_linearizable([*before, first, twice])


def test_a_retry_behind_a_lost_answer_happens_once() -> None:
    *before, lost, retry = one_by_one(CREATE, START, KEYED, KEYED)
    lost = replace(lost, answered=None, seen=None)
    assert is_linearizable([*before, lost, retry])
    assert is_linearizable([*before, lost, replace(retry, seen=last_of(CREATE, START, KEYED))])
    twice = replace(retry, seen=last_of(CREATE, START, SWITCH, SWITCH))
    assert not is_linearizable([*before, lost, twice])


def test_a_version_given_twice_is_found() -> None:
    *before, switched, paused = at_once(one_by_one(CREATE, START, SWITCH, PAUSE))
    twice = replace(shown_by(CREATE, START, PAUSE), version=3)
    assert not is_linearizable([*before, switched, replace(paused, seen=Answer(200, twice))])


def test_a_version_left_out_is_found() -> None:
    *before, switched = one_by_one(CREATE, START, SWITCH)
    skipped = replace(shown_by(CREATE, START, SWITCH), version=4)
    assert not is_linearizable([*before, replace(switched, seen=Answer(200, skipped))])


def test_a_session_that_comes_back_after_its_deletion_is_found() -> None:
    *before, read = one_by_one(CREATE, START, DELETE, READ)
    assert is_linearizable([*before, read])
    assert not is_linearizable([*before, replace(read, seen=last_of(CREATE, START, READ))])


def test_a_bank_that_has_run_may_read_anything_another_may_not() -> None:
    assert shown_by(CREATE, START, SWITCH).seats == (Seat(ANNA, TIME_DECIDES), Seat(BEN, 60))
    *before, switched = one_by_one(CREATE, START, SWITCH)
    shown = shown_by(CREATE, START, SWITCH)
    ran = replace(shown, seats=(Seat(ANNA, 41), Seat(BEN, 60)))
    wrong = replace(shown, seats=(Seat(ANNA, 41), Seat(BEN, 59)))
    assert is_linearizable([*before, replace(switched, seen=Answer(200, ran))])
    assert not is_linearizable([*before, replace(switched, seen=Answer(200, wrong))])
