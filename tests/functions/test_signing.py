"""Requests to AWS carry the signature that the SDK for Python would give them."""

import asyncio
import json
from datetime import UTC, datetime

import botocore.auth
import httpx
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from shared.aws.client import AwsClient, AwsFailed
from tests.functions.moto_aws import REGION
from tests.functions.recording_aws import Kept, RecordingAws

_TIME_FORMAT = "%Y%m%dT%H%M%SZ"


@pytest.mark.parametrize("token", [None, "a+session/token=="])
@pytest.mark.parametrize(
    ("service", "operation", "version", "body"),
    [
        ("sqs", "AmazonSQS.SendMessage", "1.0", {"MessageBody": "Zürich ♞", "DelaySeconds": 3}),
        ("ssm", "AmazonSSM.GetParameters", "1.1", {"Names": ["/a/B"], "WithDecryption": True}),
        ("ssm", "AmazonSSM.GetParameters", "1.1", {}),
    ],
)
async def test_a_request_is_signed_as_the_sdk_signs_it(
    recording: RecordingAws,
    monkeypatch: pytest.MonkeyPatch,
    token: str | None,
    service: str,
    operation: str,
    version: str,
    body: dict[str, object],
) -> None:
    if token:
        monkeypatch.setenv("AWS_SESSION_TOKEN", token)
    client = AwsClient(httpx.create_ssl_context())
    await client.call(service, operation, version, body)
    await client.close()
    (request,) = recording.kept
    assert json.loads(request.body) == body
    assert request.headers["x-amz-target"] == operation
    assert request.headers["content-type"] == f"application/x-amz-json-{version}"
    assert request.headers.get("x-amz-security-token") == token
    signed_at = datetime.strptime(request.headers["x-amz-date"], _TIME_FORMAT).replace(tzinfo=UTC)
    assert abs((datetime.now(UTC) - signed_at).total_seconds()) < 5
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: signed_at)
    expected = _signed_by_the_sdk(request, Credentials("key", "secret", token), service)
    assert request.headers["authorization"] == expected


def _signed_by_the_sdk(request: Kept, credentials: Credentials, service: str) -> str:
    """The header `Authorization` of the SDK, where it signs the headers that we have signed."""
    names = _signed_headers(request)
    required = {name for name in request.headers if name.startswith("x-amz-")}
    assert names >= required | {"host", "content-type"}
    same = AWSRequest(
        "POST",
        f"http://{request.headers['host']}",
        headers={name: request.headers[name] for name in names},
        data=request.body,
    )
    botocore.auth.SigV4Auth(credentials, service, REGION).add_auth(same)
    return str(same.headers["Authorization"])


def _signed_headers(request: Kept) -> set[str]:
    _, _, rest = request.headers["authorization"].partition("SignedHeaders=")
    return set(rest.partition(",")[0].split(";"))


async def test_without_another_endpoint_it_is_the_region_s(
    aws_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n")).decode())
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1") as proxy:
        host, port = proxy.sockets[0].getsockname()
        monkeypatch.setenv("HTTPS_PROXY", f"http://{host}:{port}")
        monkeypatch.delenv("AWS_ENDPOINT_URL")
        client = AwsClient(httpx.create_ssl_context())
        with pytest.raises(AwsFailed):
            await client.call("sqs", "AmazonSQS.SendMessage", "1.0", {})
        await client.close()
    assert asked == ["CONNECT sqs.eu-north-1.amazonaws.com:443 HTTP/1.1\r\n"]
