"""In whose name AWS is called, and what becomes of calls that fail."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from starlette.responses import JSONResponse, Response

from shared.aws.client import AwsClient, AwsFailed
from tests.functions.recording_aws import RecordingAws

_OPERATION = r"AmazonSQS\.SendMessage"


@pytest.fixture
async def client(container_credentials: RecordingAws) -> AsyncIterator[AwsClient]:
    """A client of it."""
    client = AwsClient(httpx.create_ssl_context())
    yield client
    await client.close()


async def call(client: AwsClient) -> Any:
    """What AWS says to a message."""
    return await client.call("sqs", "AmazonSQS.SendMessage", "1.0", {"MessageBody": "hello"})


async def test_the_container_s_credentials_are_fetched_once_and_used(
    recording: RecordingAws, client: AwsClient
) -> None:
    assert await call(client) == {"MessageId": "1"}
    await call(client)
    assert recording.fetched == 1
    assert [request.key_id for request in recording.kept] == ["key-1", "key-1"]
    assert {request.headers["x-amz-security-token"] for request in recording.kept} == {"token-1"}


@pytest.mark.parametrize(
    ("life", "keys"),
    [
        (timedelta(minutes=4), ["key-1", "key-2"]),
        (timedelta(seconds=-1), ["key-1", "key-2"]),
        (timedelta(minutes=6), ["key-1", "key-1"]),
    ],
)
async def test_credentials_are_replaced_five_minutes_before_they_expire(
    recording: RecordingAws, client: AwsClient, life: timedelta, keys: list[str]
) -> None:
    recording.life = life
    await call(client)
    await call(client)
    assert [request.key_id for request in recording.kept] == keys


async def test_a_client_that_was_reopened_asks_for_credentials_again(
    recording: RecordingAws, client: AwsClient
) -> None:
    await call(client)
    await client.close()
    client.reopen()
    await call(client)
    assert [request.key_id for request in recording.kept] == ["key-1", "key-2"]


async def test_credentials_in_the_environment_are_used_where_no_others_are_named(
    recording: RecordingAws, client: AwsClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_CONTAINER_CREDENTIALS_FULL_URI")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "own-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "own-secret")
    await call(client)
    assert (recording.kept[0].key_id, recording.fetched) == ("own-key", 0)


async def test_a_call_without_any_credentials_fails(
    client: AwsClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_CONTAINER_CREDENTIALS_FULL_URI")
    with pytest.raises(AwsFailed, match=_OPERATION):
        await call(client)


@pytest.mark.parametrize(
    "answer",
    [
        JSONResponse({"__type": "AccessDenied", "message": "not you"}, 403),
        JSONResponse({"__type": "InternalFailure", "message": "not you"}, 500),
    ],
)
async def test_a_refusal_of_aws_fails_with_what_it_says(
    recording: RecordingAws, client: AwsClient, answer: Response
) -> None:
    recording.answer = answer
    with pytest.raises(AwsFailed, match=f"{_OPERATION}: {answer.status_code} .*not you"):
        await call(client)


async def test_an_answer_that_is_no_json_fails(recording: RecordingAws, client: AwsClient) -> None:
    recording.answer = Response("<html>")
    with pytest.raises(AwsFailed, match=_OPERATION):
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
async def test_a_call_whose_credentials_are_not_to_be_had_fails(
    recording: RecordingAws, client: AwsClient, credentials: Response
) -> None:
    recording.credentials = credentials
    with pytest.raises(AwsFailed, match=_OPERATION):
        await call(client)
    assert recording.kept == []


async def test_a_call_fails_where_nobody_listens(
    client: AwsClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await call(client)
    monkeypatch.setattr(client, "_endpoint", "http://127.0.0.1:1")
    with pytest.raises(AwsFailed, match="ConnectError"):
        await call(client)


async def test_a_call_that_takes_longer_than_a_second_fails(
    recording: RecordingAws, client: AwsClient
) -> None:
    recording.answers_after_s = 1.2
    with pytest.raises(AwsFailed, match="ReadTimeout"):
        await call(client)
