"""Sessions of many clients on two instances: what each is answered could have come one by one."""

from collections import Counter
from collections.abc import Iterator
from contextlib import aclosing

import pytest

from tests.resilience.linearizability.stage import Stage, judged, stage
from tests.resilience.linearizability.story import told

_HISTORIES = 150
"""Thousands more in `make fuzz`."""

_MOST_TO_BE_FOUND_IN = 200
_BROKEN = "tests.resilience.linearizability.broken_server"


@pytest.fixture(scope="module")
def on() -> Iterator[Stage]:
    """Two instances of the service as it is."""
    with stage() as whole:
        yield whole


async def test_every_history_of_a_session_is_linearizable(on: Stage) -> None:
    seen: Counter[int | None] = Counter()
    unexplained = []
    happened_unseen = 0
    async for one in judged(range(_HISTORIES), on):
        seen.update(record.seen.status if record.seen else None for record in one.history)
        unexplained += [] if one.is_explained else [told(one)]
        happened_unseen += sum(record.seen is None for record in one.verdict.order)
    assert unexplained == []
    # Every kind of answer was among them, and many were lost.
    assert set(seen) == {None, 200, 201, 204, 400, 404, 409, 412, 422}
    assert seen[None] > _HISTORIES
    assert happened_unseen > _HISTORIES // 10


@pytest.mark.parametrize("safeguard", ["revision", "answer", "memory"])
async def test_a_service_without_a_safeguard_is_found_out(safeguard: str) -> None:
    with stage(module=_BROKEN, BREAK=safeguard) as broken:
        assert await _finds_one_unexplained(broken)


async def _finds_one_unexplained(on: Stage) -> bool:
    async with aclosing(judged(range(_MOST_TO_BE_FOUND_IN), on)) as histories:
        async for one in histories:
            if not one.is_explained:
                return True
    return False
