"""The checker accepts exactly the linearizable histories."""

from collections.abc import Sequence
from itertools import chain, combinations, pairwise, permutations

from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.extent import extent
from tests.resilience.linearizability.checker import Operation, check

steady = extent(short=60, full=3_000)

Access = tuple[str, int]
"""("write", value) or ("read", ignored)."""
Register = list[Operation[Access, int]]


class RegisterModel:
    """A register: a write returns the previous value."""

    def step(self, state: int, asked: Access) -> tuple[int, int]:
        """Return the next state and the answer."""
        verb, value = asked
        return (value if verb == "write" else state), state

    def allows(self, expected: int, answer: int) -> bool:
        """Return whether the two are equal."""
        return expected == answer


@st.composite
def histories(draw: st.DrawFn) -> Register:
    """Up to five operations at random times, with right or wrong answers."""
    instants = st.integers(0, 12)
    history = []
    for number in range(draw(st.integers(0, 5))):
        began = draw(instants)
        ended = began + draw(st.integers(0, 6))
        answer = draw(st.none() | st.integers(0, 2))
        asked = (draw(st.sampled_from(("read", "write"))), draw(st.integers(1, 2)))
        end = None if answer is None else ended
        history.append(Operation(f"client {number}", asked, began, end, answer))
    return history


@steady
@given(histories())
def test_the_checker_agrees_with_a_search_of_every_order(history: Register) -> None:
    result = check(history, RegisterModel(), 0)
    assert result.is_linearizable == any(map(is_legal, orders(history)))
    if result.is_linearizable:
        assert is_legal(result.order)


def orders(history: Register) -> chain[tuple[Operation[Access, int], ...]]:
    """All orders of the answered operations with any of the unanswered ones."""
    lost = [one for one in history if one.answer is None]
    answered = [one for one in history if one.answer is not None]
    chosen = chain.from_iterable(combinations(lost, n) for n in range(len(lost) + 1))
    return chain.from_iterable(permutations([*answered, *some]) for some in chosen)


def is_legal(order: Sequence[Operation[Access, int]]) -> bool:
    """Return whether each answer is right, and the order respects real time."""
    state, model = 0, RegisterModel()
    for one in order:
        state, answer = model.step(state, one.request)
        if one.answer not in (None, answer):
            return False
    return not any(
        later.answered_ns is not None and later.answered_ns < earlier.invoked_ns
        for n, earlier in enumerate(order)
        for later in order[n + 1 :]
    )


@st.composite
def linearizable_histories(draw: st.DrawFn) -> Register:
    """Operations that take effect one by one, each between its invocation and its answer."""
    state, model, history = 0, RegisterModel(), []
    for number in range(draw(st.integers(0, 30))):
        asked = (draw(st.sampled_from(("read", "write"))), draw(st.integers(1, 3)))
        state, expected = model.step(state, asked)
        began = 10 * number - draw(st.integers(0, 40))
        ended = 10 * number + draw(st.integers(0, 40))
        is_lost = draw(st.integers(0, 9)) == 0
        answer, end = (None, None) if is_lost else (expected, ended)
        history.append(Operation(f"client {number}", asked, began, end, answer))
    return history


@steady
@given(linearizable_histories())
def test_a_history_of_sequential_effects_is_linearizable(history: Register) -> None:
    assert check(history, RegisterModel(), 0).is_linearizable


def test_the_result_names_the_unexplained_operations() -> None:
    write = Operation("a", ("write", 1), 0, 1, 0)
    stale = Operation("b", ("read", 0), 2, 3, 0)
    result = check([write, stale], RegisterModel(), 0)
    assert (result.is_linearizable, result.order, result.unexplained) == (
        False,
        [write],
        [stale],
    )


def test_a_hundred_consecutive_operations_are_checked() -> None:
    rows = pairwise(range(101))
    history = [Operation("a", ("write", n + 1), 10 * n, 10 * n + 15, n) for n, _ in rows]
    assert check(history, RegisterModel(), 0).is_linearizable
