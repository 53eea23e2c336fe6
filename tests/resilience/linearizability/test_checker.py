"""The checker takes what could have come one by one, and nothing else."""

from collections.abc import Sequence
from itertools import chain, combinations, pairwise, permutations

from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.extent import extent
from tests.resilience.linearizability.checker import Operation, check

steady = extent(short=60, full=3_000)

Access = tuple[str, int]
"""("write", what) or ("read", ignored)."""
Register = list[Operation[Access, int]]


class Cell:
    """A register: a write answers with what was there before."""

    def step(self, state: int, asked: Access) -> tuple[int, int]:
        """The next state and the answer."""
        verb, value = asked
        return (value if verb == "write" else state), state

    def allows(self, expected: int, seen: int) -> bool:
        """Whether it is that very answer."""
        return expected == seen


@st.composite
def histories(draw: st.DrawFn) -> Register:
    """Up to five operations at random instants, with answers that may be right."""
    instants = st.integers(0, 12)
    history = []
    for number in range(draw(st.integers(0, 5))):
        began = draw(instants)
        ended = began + draw(st.integers(0, 6))
        seen = draw(st.none() | st.integers(0, 2))
        asked = (draw(st.sampled_from(("read", "write"))), draw(st.integers(1, 2)))
        end = None if seen is None else ended
        history.append(Operation(f"client {number}", asked, began, end, seen))
    return history


@steady
@given(histories())
def test_it_says_what_trying_every_order_says(history: Register) -> None:
    verdict = check(history, Cell(), 0)
    assert verdict.is_linearizable == any(map(is_legal, orders(history)))
    if verdict.is_linearizable:
        assert is_legal(verdict.order)


def orders(history: Register) -> chain[tuple[Operation[Access, int], ...]]:
    """Every order of everything that was answered and any of what was not."""
    lost = [one for one in history if one.seen is None]
    answered = [one for one in history if one.seen is not None]
    chosen = chain.from_iterable(combinations(lost, n) for n in range(len(lost) + 1))
    return chain.from_iterable(permutations([*answered, *some]) for some in chosen)


def is_legal(order: Sequence[Operation[Access, int]]) -> bool:
    """Whether each answer is right, and whatever had ended came before what then began."""
    state, cell = 0, Cell()
    for one in order:
        state, answer = cell.step(state, one.asked)
        if one.seen not in (None, answer):
            return False
    return not any(
        later.answered is not None and later.answered < earlier.invoked
        for n, earlier in enumerate(order)
        for later in order[n + 1 :]
    )


@st.composite
def honest_histories(draw: st.DrawFn) -> Register:
    """Operations that took effect one by one, each somewhere between its two instants."""
    state, cell, history = 0, Cell(), []
    for number in range(draw(st.integers(0, 30))):
        asked = (draw(st.sampled_from(("read", "write"))), draw(st.integers(1, 3)))
        state, answer = cell.step(state, asked)
        began = 10 * number - draw(st.integers(0, 40))
        ended = 10 * number + draw(st.integers(0, 40))
        is_lost = draw(st.integers(0, 9)) == 0
        seen, end = (None, None) if is_lost else (answer, ended)
        history.append(Operation(f"client {number}", asked, began, end, seen))
    return history


@steady
@given(honest_histories())
def test_what_took_effect_one_by_one_is_taken(history: Register) -> None:
    assert check(history, Cell(), 0).is_linearizable


def test_what_cannot_be_explained_is_named() -> None:
    write = Operation("a", ("write", 1), 0, 1, 0)
    stale = Operation("b", ("read", 0), 2, 3, 0)
    verdict = check([write, stale], Cell(), 0)
    assert (verdict.is_linearizable, verdict.order, verdict.unexplained) == (
        False,
        [write],
        [stale],
    )


def test_a_hundred_in_a_row_are_no_trouble() -> None:
    rows = pairwise(range(101))
    history = [Operation("a", ("write", n + 1), 10 * n, 10 * n + 15, n) for n, _ in rows]
    assert check(history, Cell(), 0).is_linearizable
