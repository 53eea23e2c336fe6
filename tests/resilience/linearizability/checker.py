"""Linearizability: Wing and Gong's search, with Lowe's memory of where it has been.

A history is linearizable if its operations can be put in an order in which each gives the answer
that was seen, and which keeps to real time: what was answered before another was asked for comes
before it (Herlihy and Wing 1990). One whose answer was lost may come at any time after it was asked
for, or not at all.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

S = TypeVar("S")
A = TypeVar("A")
R = TypeVar("R")
A_in = TypeVar("A_in", contravariant=True)


@dataclass(frozen=True, slots=True)
class Operation(Generic[A, R]):
    """What one client asked for and saw, and when, in ns; nothing seen is an answer lost."""

    client: str
    asked: A
    invoked: int
    answered: int | None = None
    seen: R | None = None


class Model(Protocol[S, A_in, R]):
    """The object as it is when one thing is asked of it after the other; a state is hashable."""

    def step(self, state: S, asked: A_in) -> tuple[S, R]:
        """The state after `asked`, and its answer."""

    def allows(self, expected: R, seen: R) -> bool:
        """Whether `seen` may have been the answer."""


@dataclass(frozen=True, slots=True)
class Verdict(Generic[A, R]):
    """`order` is one that explains everything, or else the longest that was found."""

    is_linearizable: bool
    order: list[Operation[A, R]]
    unexplained: list[Operation[A, R]]


@dataclass(frozen=True, slots=True)
class _Node(Generic[S]):
    """A place in the search: which operations are `done`, as bits, and in which order."""

    state: S
    done: int = 0
    last: int | None = None
    before: "_Node[S] | None" = None

    @property
    def order(self) -> list[int]:
        order = []
        node: _Node[S] | None = self
        while node and node.last is not None:
            order.append(node.last)
            node = node.before
        return order[::-1]


def check(history: Sequence[Operation[A, R]], model: Model[S, A, R], start: S) -> Verdict[A, R]:
    """Whether `history` of an object that was in the state `start` is linearizable."""
    operations = sorted(history, key=lambda operation: operation.invoked)
    needed = sum(1 << i for i, one in enumerate(operations) if one.seen is not None)
    furthest = _Node(start)
    stack, visited = [furthest], {(0, start)}
    while stack:
        node = stack.pop()
        if node.done.bit_count() > furthest.done.bit_count():
            furthest = node
        if node.done & needed == needed:
            return _verdict(operations, node, is_linearizable=True)
        for following in _following(node, operations, model):
            place = (following.done, following.state)
            if place not in visited:
                visited.add(place)
                stack.append(following)
    return _verdict(operations, furthest, is_linearizable=False)


def _following(
    node: _Node[S], operations: Sequence[Operation[A, R]], model: Model[S, A, R]
) -> Iterator[_Node[S]]:
    """The places one operation on; the likeliest, whose answer came first, is the last."""
    for i in _next(node.done, operations):
        one = operations[i]
        state, expected = model.step(node.state, one.asked)
        # An unseen one that changes nothing might as well never have come.
        if state != node.state if one.seen is None else model.allows(expected, one.seen):
            yield _Node(state, node.done | 1 << i, i, node)


def _next(done: int, operations: Sequence[Operation[A, R]]) -> list[int]:
    """Those that may come next: asked for before any that is left had been answered."""
    left = [i for i in range(len(operations)) if not done >> i & 1]
    ends = {i: end for i in left if (end := operations[i].answered) is not None}
    first_end = min(ends.values(), default=0)
    possible = [i for i in left if operations[i].invoked <= first_end]
    return sorted(possible, key=lambda i: (i not in ends, ends.get(i)), reverse=True)


def _verdict(
    operations: Sequence[Operation[A, R]], node: _Node[S], *, is_linearizable: bool
) -> Verdict[A, R]:
    order = [operations[i] for i in node.order]
    unexplained = [
        one for i, one in enumerate(operations) if not node.done >> i & 1 and one.seen is not None
    ]
    return Verdict(is_linearizable, order, unexplained)
