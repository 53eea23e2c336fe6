"""AWS client: which credentials it uses, and `AwsCallFailed` for every failure."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from starlette.responses import JSONResponse, Response

from shared.aws.client import AwsCallFailed, AwsClient
from tests.functions.recording_aws import RecordingAws

_OPERATION = r"AmazonSQS\.SendMessage"


@pytest.fixture
async def client(container_credentials: RecordingAws) -> AsyncIterator[AwsClient]:
    """Client of the recording AWS."""
    client = AwsClient(httpx.create_ssl_context())
    yield client
    await client.close()


async def call(client: AwsClient) -> Any:
    """Send a message; return the reply."""
    return await client.call("sqs", "AmazonSQS.SendMessage", "1.0", {"MessageBody": "hello"})


async def test_the_container_s_credentials_are_fetched_once_and_used(
    recording: RecordingAws, client: AwsClient
) -> None:
    assert await call(client) == {"MessageId": "1"}
    await call(client)
    assert recording.credentials_fetched == 1
    assert [request.key_id for request in recording.requests] == ["key-1", "key-1"]
    assert {request.headers["x-amz-security-token"] for request in recording.requests} == {
        "token-1"
    }


@pytest.mark.parametrize(
    ("lifetime", "keys"),
    [
        (timedelta(minutes=4), ["key-1", "key-2"]),
        (timedelta(seconds=-1), ["key-1", "key-2"]),
        (timedelta(minutes=6), ["key-1", "key-1"]),
    ],
)
async def test_credentials_are_replaced_five_minutes_before_they_expire(
    recording: RecordingAws, client: AwsClient, lifetime: timedelta, keys: list[str]
) -> None:
    recording.credentials_lifetime = lifetime
    await call(client)
    await call(client)
    assert [request.key_id for request in recording.requests] == keys


async def test_a_reopened_client_fetches_credentials_again(
    recording: RecordingAws, client: AwsClient
) -> None:
    await call(client)
    await client.close()
    client.reopen()
    await call(client)
    assert [request.key_id for request in recording.requests] == ["key-1", "key-2"]


async def test_credentials_of_the_environment_are_used_without_a_container_provider(
    recording: RecordingAws, client: AwsClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_CONTAINER_CREDENTIALS_FULL_URI")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "own-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "own-secret")
    await call(client)
    assert (recording.requests[0].key_id, recording.credentials_fetched) == ("own-key", 0)


async def test_a_call_without_any_credentials_fails(
    client: AwsClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_CONTAINER_CREDENTIALS_FULL_URI")
    with pytest.raises(AwsCallFailed, match=_OPERATION):
        await call(client)


async def test_an_error_response_of_aws_raises_an_error_that_quotes_it(
    recording: RecordingAws, client: AwsClient
) -> None:
    recording.response = JSONResponse({"__type": "AccessDenied", "message": "not you"}, 403)
    with pytest.raises(AwsCallFailed, match=f"{_OPERATION}: 403 .*not you"):
        await call(client)


async def test_a_response_that_is_not_json_raises_an_error(
    recording: RecordingAws, client: AwsClient
) -> None:
    recording.response = Response("<html>")
    with pytest.raises(AwsCallFailed, match=_OPERATION):
        await call(client)


@pytest.mark.parametrize(
    "credentials",
    [
        Response(status_code=500),
        Response("<html>"),
        JSONResponse({}),
        JSONResponse(
            {"AccessKeyId": "a", "SecretAccessKey": "b", "Token": "c", "Expiration": "soon"}
        ),
    ],
)
async def test_a_call_fails_if_the_credentials_are_unavailable(
    recording: RecordingAws, client: AwsClient, credentials: Response
) -> None:
    recording.credentials = credentials
    with pytest.raises(AwsCallFailed, match=_OPERATION):
        await call(client)
    assert recording.requests == []


async def test_a_call_fails_if_the_connection_is_refused(
    client: AwsClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await call(client)
    monkeypatch.setattr(client, "_endpoint", "http://127.0.0.1:1")
    with pytest.raises(AwsCallFailed, match="ConnectError"):
        await call(client)


async def test_a_call_that_takes_longer_than_a_second_fails(
    recording: RecordingAws, client: AwsClient
) -> None:
    recording.is_hanging = True
    with pytest.raises(AwsCallFailed, match="ReadTimeout"):
        await call(client)
