"""Secrets from the parameter store; a function with a missing secret doesn't start."""

import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from starlette.responses import JSONResponse, Response

from shared.aws.client import AwsCallFailed, AwsClient
from shared.aws.ssm_parameters import MissingParameters, load_ssm_parameters
from tests.functions.moto_aws import LocalAws
from tests.functions.recording_aws import RecordingAws

_ROOT = Path(__file__).parents[2]
_PREFIX = "SYNCKAIROS_TEST_"


@pytest.fixture
def path(aws_environment: None, monkeypatch: pytest.MonkeyPatch) -> str:
    """New path in the parameter store; changes of the environment are undone after the test."""
    monkeypatch.setattr(os, "environ", dict(os.environ))
    path = f"/synckairos/{uuid4()}"
    os.environ["SSM_PATH"] = path
    return path


def set_ssm_names(*names: str) -> list[str]:
    """Set `SSM_NAMES` to these names, prefixed; return the prefixed names."""
    settings = [_PREFIX + name for name in names]
    os.environ["SSM_NAMES"] = ",".join(settings)
    return settings


async def load() -> None:
    """Load the parameters that `SSM_NAMES` lists."""
    client = AwsClient(httpx.create_ssl_context())
    try:
        await load_ssm_parameters(client)
    finally:
        await client.close()


async def test_a_secret_is_decrypted_into_the_environment(aws: LocalAws, path: str) -> None:
    (name,) = set_ssm_names("ONE")
    aws.put_secrets(path, {name: "s3cr=t, ü"})
    await load()
    assert os.environ[name] == "s3cr=t, ü"


async def test_more_parameters_are_read_than_aws_returns_at_once(aws: LocalAws, path: str) -> None:
    names = set_ssm_names(*(f"N{number}" for number in range(23)))
    secrets = {name: f"value of {name}" for name in names}
    aws.put_secrets(path, secrets)
    await load()
    assert {name: os.environ[name] for name in names} == secrets


async def test_variables_that_are_already_set_are_not_replaced(aws: LocalAws, path: str) -> None:
    stored, own = set_ssm_names("STORED", "OWN")
    aws.put_secrets(path, {stored: "from the store", own: "from the store"})
    os.environ[own] = "my own"
    await load()
    assert (os.environ[stored], os.environ[own]) == ("from the store", "my own")


async def test_the_error_names_every_missing_parameter(aws: LocalAws, path: str) -> None:
    stored, *_ = set_ssm_names("STORED", "GONE", "AWAY")
    aws.put_secrets(path, {stored: "value"})
    with pytest.raises(MissingParameters) as missing:
        await load()
    places = f"{path}/{_PREFIX}AWAY, {path}/{_PREFIX}GONE"
    assert str(missing.value) == f"not in the parameter store: {places}"


_SECRET = {"Name": f"/path/{_PREFIX}ONE", "Value": "secret"}
_FOUND = JSONResponse({"Parameters": [_SECRET], "InvalidParameters": []})
_THROTTLED = JSONResponse({"__type": "ThrottlingException", "message": "Rate exceeded"}, 400)
_REFUSED = JSONResponse({"__type": "AccessDeniedException"}, 400)


async def load_with_pauses() -> list[float]:
    """Load the parameters without waiting; return the pauses, s."""
    pauses: list[float] = []

    async def sleep(pause_s: float) -> None:
        pauses.append(pause_s)

    client = AwsClient(httpx.create_ssl_context())
    try:
        await load_ssm_parameters(client, sleep)
    finally:
        await client.close()
    return pauses


async def test_a_throttled_call_is_repeated_after_a_random_pause(
    path: str, container_credentials: RecordingAws
) -> None:
    (name,) = set_ssm_names("ONE")
    container_credentials.first_responses = [_THROTTLED, Response(status_code=503)]
    container_credentials.response = _FOUND
    pauses = await load_with_pauses()
    assert os.environ[name] == "secret"
    assert len(container_credentials.requests) == 3
    assert all(0 <= pause <= most for pause, most in zip(pauses, (0.2, 0.4), strict=True))


async def test_a_call_that_is_always_throttled_fails_after_five_attempts(
    path: str, container_credentials: RecordingAws
) -> None:
    set_ssm_names("ONE")
    container_credentials.response = _THROTTLED
    with pytest.raises(AwsCallFailed, match="ThrottlingException"):
        await load_with_pauses()
    assert len(container_credentials.requests) == 5


async def test_a_refused_call_is_not_repeated(
    path: str, container_credentials: RecordingAws
) -> None:
    set_ssm_names("ONE")
    container_credentials.response = _REFUSED
    with pytest.raises(AwsCallFailed, match="AccessDenied"):
        await load_with_pauses()
    assert len(container_credentials.requests) == 1


async def test_without_parameters_to_read_aws_is_not_called(path: str) -> None:
    os.environ["AWS_ENDPOINT_URL"] = "http://127.0.0.1:1"
    set_ssm_names()
    await load()
    os.environ["SSM_NAMES"] = "UNSET"
    os.environ["UNSET"] = "set meanwhile"
    await load()
    assert os.environ["UNSET"] == "set meanwhile"


def test_a_function_with_a_missing_secret_exits_and_names_it(path: str) -> None:
    ended = _start_function({"SSM_NAMES": "UPSTASH_REDIS_REST_URL"})
    sentence = f"not in the parameter store: {path}/UPSTASH_REDIS_REST_URL"
    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [f"SyncKairos can't start. {sentence}"]


def test_a_function_exits_if_the_parameter_store_is_unreachable(path: str) -> None:
    ended = _start_function(
        {"SSM_NAMES": "UPSTASH_REDIS_REST_URL", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    )
    assert ended.returncode == 1
    sentence = "SyncKairos can't start. AmazonSSM.GetParameters: ConnectError"
    assert ended.stderr.splitlines() == [sentence]


def test_a_function_with_incomplete_settings_exits_and_names_the_missing_one(
    aws: LocalAws, path: str
) -> None:
    aws.put_secrets(path, {"UPSTASH_REDIS_REST_URL": "https://somewhere"})
    ended = _start_function({"SSM_NAMES": "UPSTASH_REDIS_REST_URL"})
    assert ended.returncode == 1
    (sentence,) = ended.stderr.splitlines()
    assert sentence.endswith("UPSTASH_REDIS_REST_URL needs UPSTASH_REDIS_REST_TOKEN")


def _start_function(settings: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Start a function with `settings`; return the ended process."""
    return subprocess.run(
        [sys.executable, "-c", "import functions.service.time"],
        cwd=_ROOT,
        env=dict(os.environ) | {"AWS_LAMBDA_FUNCTION_NAME": "time"} | settings,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
