"""Functions answer 503 at the first failure of Upstash, and a retry makes the change.

`tests/resilience/faults` tests failures of the network to Upstash.
"""

import logging
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import httpx
import pytest

from infra.local.functions import LocalRunOptions, running_functions
from infra.local.redis import embedded_redis
from infra.local.upstash import local_upstash
from tests.support.api import ApiClient, chess, error_of
from tests.support.faulty_upstash import Fault, FaultInjector, internal_error, quota_exceeded

LOAD, COMMIT = "/pipeline", "/"


@pytest.fixture(scope="module")
def failures() -> FaultInjector:
    """The failures of the endpoint."""
    return FaultInjector()


@pytest.fixture(scope="module")
def url(failures: FaultInjector) -> Iterator[str]:
    """The URL of functions on an endpoint that can fail."""
    # It would log the simulated failures.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    with embedded_redis() as redis, local_upstash(redis, around=failures.around) as upstash:
        settings = {
            "UPSTASH_REDIS_REST_URL": upstash.url,
            "UPSTASH_REDIS_REST_TOKEN": upstash.token,
        }
        warm = ("create", "start", "switch", "read")
        with running_functions(settings, LocalRunOptions(warm=warm, schedule_speed=0)) as functions:
            yield functions.url


@pytest.fixture
async def api(url: str) -> AsyncIterator[ApiClient]:
    """A client of the functions."""
    async with httpx.AsyncClient(base_url=url, timeout=30) as http:
        yield ApiClient(http)


def is_unavailable(answer: httpx.Response) -> bool:
    """Return whether the answer is a 503 with `Retry-After`."""
    return error_of(answer) == (503, "STORE_UNAVAILABLE") and answer.headers["retry-after"] == "1"


@pytest.mark.parametrize("failing", [internal_error, quota_exceeded])
@pytest.mark.parametrize("at", [LOAD, COMMIT])
async def test_a_change_is_refused_at_once_and_made_by_a_retry(
    api: ApiClient, failures: FaultInjector, failing: Fault, at: str
) -> None:
    session_id = await api.started(chess())
    key = {"Idempotency-Key": uuid4().hex}
    with failures.of(failing, at):
        answer = await api.do(session_id, "switch", headers=key)
        assert failures.count == 1
    assert is_unavailable(answer)
    assert (await api.session(session_id))["version"] == 2
    again = await api.do(session_id, "switch", headers=key)
    assert again.status_code == 200
    assert "idempotent-replayed" not in again.headers
    assert (await api.session(session_id))["version"] == 3


@pytest.mark.parametrize("failing", [internal_error, quota_exceeded])
async def test_a_read_is_refused_at_once(
    api: ApiClient, failures: FaultInjector, failing: Fault
) -> None:
    session_id = await api.started(chess())
    with failures.of(failing, LOAD):
        assert is_unavailable(await api.get(session_id))
        assert failures.count == 1
    assert (await api.get(session_id)).status_code == 200


async def test_a_wrong_token_is_answered_503_and_not_repeated(redis_url: str) -> None:
    with local_upstash(redis_url) as upstash:
        settings = {
            "UPSTASH_REDIS_REST_URL": upstash.url,
            "UPSTASH_REDIS_REST_TOKEN": "not-the-token",
        }
        with running_functions(settings, LocalRunOptions(schedule_speed=0)) as functions:
            async with httpx.AsyncClient(base_url=functions.url, timeout=30) as http:
                answer = await ApiClient(http).create(chess())
    assert is_unavailable(answer)
    assert "not-the-token" not in answer.text
