"""The answers to concurrent clients of two instances are linearizable."""

from collections import Counter
from collections.abc import Iterator
from contextlib import aclosing

import pytest

from tests.resilience.linearizability.stage import Instances, checked_histories, two_instances
from tests.resilience.linearizability.story import describe

_HISTORIES = 80
"""`make fuzz` checks thousands more."""

_MAX_HISTORIES_TO_DETECT = 200
_BROKEN = "tests.resilience.linearizability.broken_server"


@pytest.fixture(scope="module")
def instances() -> Iterator[Instances]:
    """Two instances of the unbroken service."""
    with two_instances() as unbroken:
        yield unbroken


async def test_every_history_of_a_session_is_linearizable(instances: Instances) -> None:
    statuses: Counter[int | None] = Counter()
    violations = []
    made_without_answer = 0
    async for one in checked_histories(range(_HISTORIES), instances):
        statuses.update(record.answer.status if record.answer else None for record in one.history)
        violations += [] if one.is_linearizable else [describe(one)]
        made_without_answer += sum(record.answer is None for record in one.result.order)
    assert violations == []
    # The histories must hold every kind of answer and many lost ones.
    assert set(statuses) == {None, 200, 201, 204, 400, 404, 409, 412, 422}
    assert statuses[None] > _HISTORIES
    assert made_without_answer > _HISTORIES // 10


@pytest.mark.parametrize("safeguard", ["revision", "answer", "cache"])
async def test_the_checker_detects_a_missing_safeguard(safeguard: str) -> None:
    with two_instances(module=_BROKEN, BREAK=safeguard) as broken:
        assert await _finds_a_violation(broken)


async def _finds_a_violation(instances: Instances) -> bool:
    async with aclosing(checked_histories(range(_MAX_HISTORIES_TO_DETECT), instances)) as histories:
        async for one in histories:
            if not one.is_linearizable:
                return True
    return False
