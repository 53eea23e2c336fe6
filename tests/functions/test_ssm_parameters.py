"""Secrets come from the parameter store, and a function without them doesn't start."""

import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from shared.aws.client import AwsClient
from shared.aws.parameters import ParametersMissing, read_into_environment
from tests.functions.moto_aws import LocalAws

_ROOT = Path(__file__).parents[2]
_PREFIX = "SYNCKAIROS_TEST_"


@pytest.fixture
def path(aws_environment: None, monkeypatch: pytest.MonkeyPatch) -> str:
    """A place in the parameter store that nobody else uses; what is read from it is taken back."""
    monkeypatch.setattr(os, "environ", dict(os.environ))
    path = f"/synckairos/{uuid4()}"
    os.environ["SSM_PATH"] = path
    return path


def wanted(*names: str) -> list[str]:
    """The settings of these names, which are all that is wanted from the store."""
    settings = [_PREFIX + name for name in names]
    os.environ["SSM_NAMES"] = ",".join(settings)
    return settings


async def read() -> None:
    """Read what is wanted."""
    client = AwsClient(httpx.create_ssl_context())
    try:
        await read_into_environment(client)
    finally:
        await client.close()


async def test_a_secret_is_decrypted_into_the_environment(aws: LocalAws, path: str) -> None:
    (name,) = wanted("ONE")
    aws.put_secrets(path, {name: "s3cr=t, ü"})
    await read()
    assert os.environ[name] == "s3cr=t, ü"


async def test_more_than_ten_are_read_though_aws_gives_ten_at_once(
    aws: LocalAws, path: str
) -> None:
    names = wanted(*(f"N{number}" for number in range(23)))
    secrets = {name: f"value of {name}" for name in names}
    aws.put_secrets(path, secrets)
    await read()
    assert {name: os.environ[name] for name in names} == secrets


async def test_what_is_set_already_is_left_alone(aws: LocalAws, path: str) -> None:
    stored, own = wanted("STORED", "OWN")
    aws.put_secrets(path, {stored: "from the store", own: "from the store"})
    os.environ[own] = "my own"
    await read()
    assert (os.environ[stored], os.environ[own]) == ("from the store", "my own")


async def test_every_one_that_is_missing_is_named(aws: LocalAws, path: str) -> None:
    there, *_ = wanted("THERE", "GONE", "AWAY")
    aws.put_secrets(path, {there: "value"})
    with pytest.raises(ParametersMissing) as missing:
        await read()
    places = f"{path}/{_PREFIX}AWAY, {path}/{_PREFIX}GONE"
    assert str(missing.value) == f"not in the parameter store: {places}"


async def test_where_none_is_wanted_nobody_is_asked(path: str) -> None:
    os.environ["AWS_ENDPOINT_URL"] = "http://127.0.0.1:1"
    wanted()
    await read()
    os.environ["SSM_NAMES"] = "UNSET"
    os.environ["UNSET"] = "set meanwhile"
    await read()
    assert os.environ["UNSET"] == "set meanwhile"


def test_a_function_without_its_secret_ends_with_a_sentence_that_names_it(path: str) -> None:
    ended = _started({"SSM_NAMES": "UPSTASH_REDIS_REST_URL"})
    sentence = f"not in the parameter store: {path}/UPSTASH_REDIS_REST_URL"
    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [f"SyncKairos can't start. {sentence}"]


def test_a_function_whose_parameter_store_is_away_ends_with_a_sentence(path: str) -> None:
    ended = _started(
        {"SSM_NAMES": "UPSTASH_REDIS_REST_URL", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    )
    assert ended.returncode == 1
    sentence = "SyncKairos can't start. AmazonSSM.GetParameters: ConnectError"
    assert ended.stderr.splitlines() == [sentence]


def test_a_function_whose_secret_is_wrong_ends_with_a_sentence(aws: LocalAws, path: str) -> None:
    aws.put_secrets(path, {"UPSTASH_REDIS_REST_URL": "https://somewhere"})
    ended = _started({"SSM_NAMES": "UPSTASH_REDIS_REST_URL"})
    assert ended.returncode == 1
    (sentence,) = ended.stderr.splitlines()
    assert sentence.endswith("UPSTASH_REDIS_REST_URL needs UPSTASH_REDIS_REST_TOKEN")


def _started(settings: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """What becomes of a function that starts with `settings`."""
    return subprocess.run(
        [sys.executable, "-c", "import functions.service.time"],
        cwd=_ROOT,
        env=dict(os.environ) | {"AWS_LAMBDA_FUNCTION_NAME": "time"} | settings,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
