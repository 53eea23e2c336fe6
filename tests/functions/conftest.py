"""A store behind Upstash's protocol, AWS beside it, and this process as a function of both."""

from collections.abc import Iterator

import pytest
from redis import Redis

from infra.local.redis import embedded_redis
from infra.local.upstash import LocalUpstash, local_upstash
from tests.functions.inspection import Story
from tests.functions.lambda_process import Process, fresh_process
from tests.functions.moto_aws import KEYS, REGION, LocalAws, local_aws
from tests.functions.recording_aws import TOKEN, RecordingAws, recording_aws
from tests.support.shifted_clock import ShiftedClock

_ELSEWHERE = (
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_SESSION_TOKEN",
    "CORS_ORIGINS",
    "DATABASE_URL",
    "REDIS_URL",
    "SSM_NAMES",
    "SSM_PATH",
    "SUPABASE_PUBLISHABLE_KEY",
    "SUPABASE_SERVICE_ROLE_KEY",
    "SUPABASE_URL",
)


@pytest.fixture(scope="session")
def functions_redis_url() -> Iterator[str]:
    """A Redis whose deadlines nobody else watches."""
    with embedded_redis() as url:
        yield url


@pytest.fixture
def redis(functions_redis_url: str) -> Iterator[Redis]:
    """A plain client of it, empty, to look behind the functions."""
    with Redis.from_url(functions_redis_url) as client:
        client.flushdb()
        yield client


@pytest.fixture(scope="session")
def shifted_upstash(functions_redis_url: str) -> Iterator[tuple[LocalUpstash, ShiftedClock]]:
    """The endpoint of all tests, and its clock."""
    clock = ShiftedClock()
    with local_upstash(functions_redis_url, around=clock.around) as endpoint:
        yield endpoint, clock


@pytest.fixture
def upstash(redis: Redis, shifted_upstash: tuple[LocalUpstash, ShiftedClock]) -> LocalUpstash:
    """The same Redis by Upstash's protocol; a test may stop it."""
    endpoint, _ = shifted_upstash
    endpoint.start()
    endpoint.requests.clear()
    return endpoint


@pytest.fixture
def store_clock(shifted_upstash: tuple[LocalUpstash, ShiftedClock]) -> ShiftedClock:
    """The clock of `upstash`, still right."""
    _, clock = shifted_upstash
    clock.ahead_s = 0
    return clock


@pytest.fixture(scope="session")
def aws() -> Iterator[LocalAws]:
    """Queues and parameters."""
    with local_aws() as server:
        yield server


@pytest.fixture
def aws_environment(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """What Lambda says of AWS, and nothing of what this machine's own environment says."""
    for name in _ELSEWHERE:
        monkeypatch.delenv(name, raising=False)
    settings = {"AWS_REGION": REGION, "AWS_ENDPOINT_URL": aws.endpoint, **KEYS}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def recording_server() -> Iterator[RecordingAws]:
    """An AWS that keeps what it is sent, for all tests."""
    with recording_aws() as recording:
        yield recording


@pytest.fixture
def recording(
    recording_server: RecordingAws, aws_environment: None, monkeypatch: pytest.MonkeyPatch
) -> RecordingAws:
    """The AWS of the environment; it keeps what it is sent."""
    recording_server.begin()
    monkeypatch.setenv("AWS_ENDPOINT_URL", recording_server.url)
    return recording_server


@pytest.fixture
def container_credentials(recording: RecordingAws, monkeypatch: pytest.MonkeyPatch) -> RecordingAws:
    """The same, which also has the credentials, as for a function that is restored."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{recording.url}/credentials")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", TOKEN)
    return recording


@pytest.fixture
def environment(
    aws: LocalAws, upstash: LocalUpstash, aws_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that a function finds in its environment."""
    settings = {
        "AWS_LAMBDA_FUNCTION_NAME": "under-test",
        "UPSTASH_REDIS_REST_URL": upstash.url,
        "UPSTASH_REDIS_REST_TOKEN": upstash.token,
        "ALARM_QUEUE_URL": aws.new_queue(),
        "AUDIT_QUEUE_URL": aws.new_queue(),
        "LOG_LEVEL": "INFO",
        "PUBSUB": "off",
        "STAGE": "test",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def process(environment: None, store_clock: ShiftedClock) -> Iterator[Process]:
    """This process as a function that hasn't served yet."""
    with fresh_process() as process:
        yield process


@pytest.fixture
def story(process: Process, redis: Redis, aws: LocalAws) -> Story:
    """What has become of sessions, and which messages were sent."""
    return Story(process, redis, aws)
