"""Requests to AWS carry the same signature as those of the AWS SDK for Python."""

import asyncio
import json
from datetime import UTC, datetime

import botocore.auth
import httpx
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from shared.aws.client import AwsCallFailed, AwsClient
from tests.functions.moto_aws import REGION
from tests.functions.recording_aws import RecordedRequest, RecordingAws

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
    (request,) = recording.requests
    assert json.loads(request.body) == body
    assert request.headers["x-amz-target"] == operation
    assert request.headers["content-type"] == f"application/x-amz-json-{version}"
    assert request.headers.get("x-amz-security-token") == token
    signed_at = datetime.strptime(request.headers["x-amz-date"], _TIME_FORMAT).replace(tzinfo=UTC)
    assert abs((datetime.now(UTC) - signed_at).total_seconds()) < 60
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: signed_at)
    expected = _signed_by_the_sdk(request, Credentials("key", "secret", token), service)
    assert request.headers["authorization"] == expected


def _signed_by_the_sdk(request: RecordedRequest, credentials: Credentials, service: str) -> str:
    """Return the SDK's `Authorization` header for the headers that `request` has signed."""
    names = _signed_headers(request)
    required = {name for name in request.headers if name.startswith("x-amz-")}
    assert names >= required | {"host", "content-type"}
    unsigned = AWSRequest(
        "POST",
        f"http://{request.headers['host']}",
        headers={name: request.headers[name] for name in names},
        data=request.body,
    )
    botocore.auth.SigV4Auth(credentials, service, REGION).add_auth(unsigned)
    return str(unsigned.headers["Authorization"])


def _signed_headers(request: RecordedRequest) -> set[str]:
    _, _, rest = request.headers["authorization"].partition("SignedHeaders=")
    return set(rest.partition(",")[0].split(";"))


async def test_the_default_endpoint_is_that_of_the_region(
    aws_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    request_lines: list[str] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request_lines.append((await reader.readuntil(b"\r\n")).decode())
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1") as proxy:
        host, port = proxy.sockets[0].getsockname()
        monkeypatch.setenv("HTTPS_PROXY", f"http://{host}:{port}")
        monkeypatch.delenv("AWS_ENDPOINT_URL")
        client = AwsClient(httpx.create_ssl_context())
        with pytest.raises(AwsCallFailed):
            await client.call("sqs", "AmazonSQS.SendMessage", "1.0", {})
        await client.close()
    assert request_lines == ["CONNECT sqs.eu-north-1.amazonaws.com:443 HTTP/1.1\r\n"]
