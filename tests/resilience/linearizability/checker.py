"""Check histories for linearizability with Wing and Gong's search and Lowe's memoization.

A history is linearizable if its operations can be put in an order in which each gives its recorded
answer, and an operation that was answered before another one was invoked comes before that one
(Herlihy and Wing 1990). An operation without an answer may come at any time after its invocation,
or never.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

StateT = TypeVar("StateT")
RequestT = TypeVar("RequestT")
AnswerT = TypeVar("AnswerT")
RequestT_contra = TypeVar("RequestT_contra", contravariant=True)


@dataclass(frozen=True, slots=True)
class Operation(Generic[RequestT, AnswerT]):
    """A request of one client and its answer; `answer` is None if it was lost."""

    client: str
    request: RequestT
    invoked_ns: int
    answered_ns: int | None = None
    answer: AnswerT | None = None


class Model(Protocol[StateT, RequestT_contra, AnswerT]):
    """A sequential specification of the object; its states must be hashable."""

    def step(self, state: StateT, request: RequestT_contra) -> tuple[StateT, AnswerT]:
        """Return the state after `request`, and the answer."""

    def allows(self, expected: AnswerT, answer: AnswerT) -> bool:
        """Return whether `answer` agrees with the `expected` one."""


@dataclass(frozen=True, slots=True)
class CheckResult(Generic[RequestT, AnswerT]):
    """`order` explains every answer, or is the longest order found if none does."""

    is_linearizable: bool
    order: list[Operation[RequestT, AnswerT]]
    unexplained: list[Operation[RequestT, AnswerT]]


@dataclass(frozen=True, slots=True)
class _Node(Generic[StateT]):
    """A node of the search: the set `done` of operations as bits, and their order."""

    state: StateT
    done: int = 0
    last: int | None = None
    previous: "_Node[StateT] | None" = None

    @property
    def order(self) -> list[int]:
        order = []
        node: _Node[StateT] | None = self
        while node and node.last is not None:
            order.append(node.last)
            node = node.previous
        return order[::-1]


def check(
    history: Sequence[Operation[RequestT, AnswerT]],
    model: Model[StateT, RequestT, AnswerT],
    start: StateT,
) -> CheckResult[RequestT, AnswerT]:
    """Check whether `history` of an object in the state `start` is linearizable."""
    operations = sorted(history, key=lambda operation: operation.invoked_ns)
    needed = sum(1 << i for i, operation in enumerate(operations) if operation.answer is not None)
    furthest = _Node(start)
    stack, visited = [furthest], {(0, start)}
    while stack:
        node = stack.pop()
        if node.done.bit_count() > furthest.done.bit_count():
            furthest = node
        if node.done & needed == needed:
            return _result(operations, node, is_linearizable=True)
        for successor in _successors(node, operations, model):
            key = (successor.done, successor.state)
            if key not in visited:
                visited.add(key)
                stack.append(successor)
    return _result(operations, furthest, is_linearizable=False)


def _successors(
    node: _Node[StateT],
    operations: Sequence[Operation[RequestT, AnswerT]],
    model: Model[StateT, RequestT, AnswerT],
) -> Iterator[_Node[StateT]]:
    """Yield the nodes one operation further; the likeliest, with the earliest answer, is last."""
    for i in _candidates(node.done, operations):
        operation = operations[i]
        state, expected = model.step(node.state, operation.request)
        # An operation without an answer that changes nothing can be left out.
        if (
            state != node.state
            if operation.answer is None
            else model.allows(expected, operation.answer)
        ):
            yield _Node(state, node.done | 1 << i, i, node)


def _candidates(done: int, operations: Sequence[Operation[RequestT, AnswerT]]) -> list[int]:
    """Return the operations left that were invoked before any of them was answered."""
    left = [i for i in range(len(operations)) if not done >> i & 1]
    ends = {i: end for i in left if (end := operations[i].answered_ns) is not None}
    first_end = min(ends.values(), default=0)
    possible = [i for i in left if operations[i].invoked_ns <= first_end]
    return sorted(possible, key=lambda i: (i not in ends, ends.get(i)), reverse=True)


def _result(
    operations: Sequence[Operation[RequestT, AnswerT]],
    node: _Node[StateT],
    *,
    is_linearizable: bool,
) -> CheckResult[RequestT, AnswerT]:
    order = [operations[i] for i in node.order]
    unexplained = [
        operation
        for i, operation in enumerate(operations)
        if not node.done >> i & 1 and operation.answer is not None
    ]
    return CheckResult(is_linearizable, order, unexplained)
