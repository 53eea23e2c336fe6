"""A commit reaches Redis and its reply never comes back: it is recognised, at whichever write."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.resilience.faults.attempt_log import is_unavailable
from tests.resilience.faults.conftest import Service
from tests.resilience.faults.faults import Loss
from tests.resilience.faults.players import long_game
from tests.resilience.faults.reply_drop import only
from tests.resilience.faults.test_redis import COMMIT
from tests.support.api import participant

_CHANGES = 9


@dataclass(frozen=True, slots=True)
class Change:
    """A request that takes one commit."""

    method: str
    url: str
    body: Any = None
    key: str = field(default_factory=lambda: uuid4().hex)

    async def made(self, http: httpx.AsyncClient, *, with_key: bool) -> httpx.Response:
        """The answer to it."""
        headers = {"Idempotency-Key": self.key} if with_key else {}
        return await http.request(self.method, self.url, json=self.body, headers=headers)


def game(session_id: str) -> list[Change]:
    """A whole life."""
    path = f"/v1/sessions/{session_id}"
    return [
        Change("POST", "/v1/sessions", {**long_game(), "session_id": session_id}),
        Change("POST", f"{path}/start"),
        Change("POST", f"{path}/switch"),
        Change("POST", f"{path}/participants", participant()),
        Change("POST", f"{path}/switch", {}),
        Change("POST", f"{path}/pause"),
        Change("POST", f"{path}/resume"),
        Change("POST", f"{path}/complete"),
        Change("DELETE", path),
    ]


@pytest.fixture
async def http(container: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an instance, on a Redis that knows our scripts."""
    async with httpx.AsyncClient(base_url=container.urls[0], timeout=10) as http:
        assert (await http.post("/v1/sessions", json=long_game())).status_code == 201
        yield http


async def check_trail(container: Service, session_id: str) -> None:
    """Assert that each of the changes is in the trail once."""
    await container.trail.until({session_id: _CHANGES})
    assert container.trail.versions(session_id) == list(range(1, _CHANGES + 1))


def version_of(answer: httpx.Response) -> int:
    """The version that an answer tells of."""
    return int(answer.headers["etag"].strip('"'))


@pytest.mark.parametrize("with_key", [True, False])
@pytest.mark.parametrize("number", range(1, _CHANGES + 1))
async def test_the_client_notices_nothing_of_one_lost_reply(
    container: Service, http: httpx.AsyncClient, number: int, with_key: bool
) -> None:
    session_id = str(uuid4())
    with container.redis.losing_replies(COMMIT, Loss.RESET, only(number)) as ambush:
        answers = [await change.made(http, with_key=with_key) for change in game(session_id)]
    assert ambush.struck.is_set()
    assert all(answer.is_success for answer in answers)
    assert not any("idempotent-replayed" in answer.headers for answer in answers)
    assert [version_of(answer) for answer in answers[:-1]] == list(range(1, _CHANGES))
    await check_trail(container, session_id)


@pytest.mark.parametrize(
    ("loss", "times"), [(Loss.RESET, 2), (Loss.SILENCE, 1)], ids=["cut twice", "silent"]
)
@pytest.mark.parametrize("number", [1, 3, _CHANGES])
async def test_a_client_that_was_told_to_come_back_gets_the_answer_that_was_lost(
    container: Service, http: httpx.AsyncClient, number: int, loss: Loss, times: int
) -> None:
    session_id = str(uuid4())
    *before, change = game(session_id)[:number]
    after = game(session_id)[number:]
    for earlier in before:
        assert (await earlier.made(http, with_key=True)).is_success
    with container.redis.losing_replies(COMMIT, loss, lambda n: n <= times) as ambush:
        assert is_unavailable(await change.made(http, with_key=True))
        assert ambush.seen == times
    again = await change.made(http, with_key=True)
    assert again.is_success
    assert again.headers["idempotent-replayed"] == "true"
    assert change.method == "DELETE" or version_of(again) == number
    for later in after:
        assert (await later.made(http, with_key=True)).is_success
    await check_trail(container, session_id)
