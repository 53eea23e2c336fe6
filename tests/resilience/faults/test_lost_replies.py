"""A commit whose reply from Redis is lost is recognised and made once, whichever change it is."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.resilience.faults.attempt_log import is_unavailable
from tests.resilience.faults.conftest import FaultyDeployment
from tests.resilience.faults.players import long_game
from tests.resilience.faults.test_redis import COMMIT
from tests.support.api import participant
from tests.support.fault_proxy.drops import only
from tests.support.fault_proxy.faults import Loss

_CHANGES = 9


@dataclass(frozen=True, slots=True)
class ChangeRequest:
    """A request that takes one commit."""

    method: str
    url: str
    body: Any = None
    key: str = field(default_factory=lambda: uuid4().hex)

    async def send(self, http: httpx.AsyncClient, *, with_key: bool) -> httpx.Response:
        """Send the request and return the answer."""
        headers = {"Idempotency-Key": self.key} if with_key else {}
        return await http.request(self.method, self.url, json=self.body, headers=headers)


def lifecycle(session_id: str) -> list[ChangeRequest]:
    """Return the changes of a session from its creation to its deletion."""
    path = f"/v1/sessions/{session_id}"
    return [
        ChangeRequest("POST", "/v1/sessions", {**long_game(), "session_id": session_id}),
        ChangeRequest("POST", f"{path}/start"),
        ChangeRequest("POST", f"{path}/switch"),
        ChangeRequest("POST", f"{path}/participants", participant()),
        ChangeRequest("POST", f"{path}/switch", {}),
        ChangeRequest("POST", f"{path}/pause"),
        ChangeRequest("POST", f"{path}/resume"),
        ChangeRequest("POST", f"{path}/complete"),
        ChangeRequest("DELETE", path),
    ]


@pytest.fixture
async def http(container: FaultyDeployment) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an instance whose Redis has the commit script cached."""
    async with httpx.AsyncClient(base_url=container.urls[0], timeout=30) as http:
        assert (await http.post("/v1/sessions", json=long_game())).status_code == 201
        yield http


async def check_trail(container: FaultyDeployment, session_ids: Sequence[str]) -> None:
    """Assert that the trail has each change of `lifecycle` once."""
    await container.trail.until(dict.fromkeys(session_ids, _CHANGES))
    for session_id in session_ids:
        assert container.trail.versions(session_id) == list(range(1, _CHANGES + 1))


def version_of(answer: httpx.Response) -> int:
    """The version in the answer's ETag."""
    return int(answer.headers["etag"].strip('"'))


@pytest.mark.parametrize("with_key", [True, False])
async def test_the_client_gets_its_answer_despite_one_lost_reply(
    container: FaultyDeployment, http: httpx.AsyncClient, with_key: bool
) -> None:
    session_ids = [str(uuid4()) for _ in range(_CHANGES)]
    for number, session_id in enumerate(session_ids, start=1):
        changes = lifecycle(session_id)
        with container.redis.dropping_replies(COMMIT, Loss.RESET, only(number)) as drop:
            answers = [await change.send(http, with_key=with_key) for change in changes]
        assert drop.dropped.is_set(), number
        assert all(answer.is_success for answer in answers), number
        assert not any("idempotent-replayed" in answer.headers for answer in answers), number
        assert [version_of(answer) for answer in answers[:-1]] == list(range(1, _CHANGES))
    await check_trail(container, session_ids)


@pytest.mark.parametrize(
    ("loss", "times", "numbers"),
    [(Loss.RESET, 2, (1, 3, _CHANGES)), (Loss.SILENCE, 1, (3,))],
    ids=["cut twice", "silent"],
)
async def test_a_retry_after_503_replays_the_lost_answer(
    container: FaultyDeployment,
    http: httpx.AsyncClient,
    loss: Loss,
    times: int,
    numbers: Sequence[int],
) -> None:
    session_ids = [str(uuid4()) for _ in numbers]
    for number, session_id in zip(numbers, session_ids, strict=True):
        changes = lifecycle(session_id)
        change = changes.pop(number - 1)
        for earlier in changes[: number - 1]:
            assert (await earlier.send(http, with_key=True)).is_success
        with container.redis.dropping_replies(COMMIT, loss, lambda n: n <= times) as drop:
            assert is_unavailable(await change.send(http, with_key=True))
            assert drop.request_count == times
        again = await change.send(http, with_key=True)
        assert again.is_success
        assert again.headers["idempotent-replayed"] == "true"
        assert change.method == "DELETE" or version_of(again) == number
        for later in changes[number - 1 :]:
            assert (await later.send(http, with_key=True)).is_success
    await check_trail(container, session_ids)
