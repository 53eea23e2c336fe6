"""Fixtures: a store behind Upstash's protocol, a local AWS, and this process as a function."""

from collections.abc import Iterator
from functools import partial

import httpx
import pytest
from redis import Redis

from infra.local.redis import embedded_redis
from infra.local.upstash import LocalUpstash, local_upstash
from shared.store.upstash import UpstashConnection
from tests.functions.inspection import Inspector
from tests.functions.lambda_process import LambdaProcess, fresh_process
from tests.functions.moto_aws import CREDENTIALS, REGION, LocalAws, local_aws
from tests.functions.recording_aws import TOKEN, RecordingAws, recording_aws
from tests.support.shifted_clock import ShiftedClock

_ELSEWHERE = (
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_SESSION_TOKEN",
    "CORS_ORIGINS",
    "DATABASE_URL",
    "EMBED_ORIGINS",
    "REDIS_URL",
    "SSM_NAMES",
    "SSM_PATH",
    "SUPABASE_PUBLISHABLE_KEY",
    "SUPABASE_SERVICE_ROLE_KEY",
    "SUPABASE_URL",
)


@pytest.fixture(scope="session")
def functions_redis_url() -> Iterator[str]:
    """URL of a Redis whose deadlines no other process handles."""
    with embedded_redis() as url:
        yield url


@pytest.fixture
def redis(functions_redis_url: str) -> Iterator[Redis]:
    """Direct client of the emptied Redis."""
    with Redis.from_url(functions_redis_url) as client:
        client.flushdb()
        yield client


@pytest.fixture(scope="session")
def shifted_upstash(functions_redis_url: str) -> Iterator[tuple[LocalUpstash, ShiftedClock]]:
    """Upstash endpoint shared by all tests, and its clock."""
    clock = ShiftedClock()
    with local_upstash(functions_redis_url, around=clock.around) as endpoint:
        yield endpoint, clock


@pytest.fixture
def upstash(redis: Redis, shifted_upstash: tuple[LocalUpstash, ShiftedClock]) -> LocalUpstash:
    """Upstash endpoint of the same Redis, with an empty request log; a test may stop it."""
    endpoint, _ = shifted_upstash
    endpoint.start()
    endpoint.requests.clear()
    return endpoint


@pytest.fixture
def store_clock(shifted_upstash: tuple[LocalUpstash, ShiftedClock]) -> ShiftedClock:
    """Clock of `upstash`, which runs without an offset until the test changes it."""
    _, clock = shifted_upstash
    clock.reset()
    return clock


@pytest.fixture(scope="session")
def aws() -> Iterator[LocalAws]:
    """SQS and the parameter store."""
    with local_aws() as server:
        yield server


@pytest.fixture
def aws_environment(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS variables as on Lambda, without this machine's own settings."""
    for name in _ELSEWHERE:
        monkeypatch.delenv(name, raising=False)
    settings = {"AWS_REGION": REGION, "AWS_ENDPOINT_URL": aws.endpoint, **CREDENTIALS}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def recording_server() -> Iterator[RecordingAws]:
    """Recording AWS shared by all tests."""
    with recording_aws() as recording:
        yield recording


@pytest.fixture
def recording(
    recording_server: RecordingAws, aws_environment: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RecordingAws]:
    """Recording AWS, set as the endpoint in the environment."""
    recording_server.reset()
    monkeypatch.setenv("AWS_ENDPOINT_URL", recording_server.url)
    yield recording_server
    recording_server.reset()


@pytest.fixture
def container_credentials(recording: RecordingAws, monkeypatch: pytest.MonkeyPatch) -> RecordingAws:
    """`recording`, which also provides the credentials, as for a restored function."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{recording.url}/credentials")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", TOKEN)
    return recording


@pytest.fixture
def long_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give changes and messages more time than in production, because a test machine may be slow.

    A test of one of these timeouts sets it back.
    """
    patient_upstash = partial(UpstashConnection, timeout=httpx.Timeout(30))
    monkeypatch.setattr("shared.composition.function.UpstashConnection", patient_upstash)
    monkeypatch.setattr("shared.application.timeout._TIMEOUT_S", 60)
    monkeypatch.setattr("shared.aws.client._TIMEOUT", httpx.Timeout(30))
    monkeypatch.setattr("shared.aws.sqs._TIMEOUT_S", 30)
    monkeypatch.setattr("shared.aws.sqs._TRIGGER_TIMEOUT_S", 30)


@pytest.fixture
def environment(
    aws: LocalAws,
    upstash: LocalUpstash,
    aws_environment: None,
    long_timeouts: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All environment variables of a function."""
    settings = {
        "AWS_LAMBDA_FUNCTION_NAME": "under-test",
        "UPSTASH_REDIS_REST_URL": upstash.url,
        "UPSTASH_REDIS_REST_TOKEN": upstash.token,
        "ALARM_QUEUE_URL": aws.create_queue(),
        "AUDIT_QUEUE_URL": aws.create_queue(),
        "LOG_LEVEL": "INFO",
        "PUBSUB": "off",
        "STAGE": "test",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def process(environment: None, store_clock: ShiftedClock) -> Iterator[LambdaProcess]:
    """This process as a function before its first invocation."""
    with fresh_process() as process:
        yield process


@pytest.fixture
def inspector(process: LambdaProcess, redis: Redis, aws: LocalAws) -> Inspector:
    """Access to stored sessions and sent messages."""
    return Inspector(process, redis, aws)
