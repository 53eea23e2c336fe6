"""Event payloads that AWS services pass to functions.

API Gateway's HTTP API (payload format 2.0), SQS and EventBridge.
"""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, unquote
from uuid import uuid4

ACCOUNT = "123456789012"
_TEXT_TYPES = ("text/", "application/json", "application/javascript", "application/xml")
_NOT_FORWARDED = frozenset(
    ("connection", "expect", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade")
)


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """An HTTP request as received. `path` and `query` are percent-encoded."""

    method: str
    path: str
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    source_ip: str = "127.0.0.1"
    scheme: str = "https"
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    request_id: str = field(default_factory=lambda: str(uuid4()))

    def header(self, name: str) -> str:
        """Return the value of the header `name` (lower case), or an empty string.

        Values of a repeated header are joined with commas.
        """
        return ",".join(value for key, value in self._forwarded() if key.lower() == name)

    def joined_headers(self) -> dict[str, str]:
        """Return the headers except `Cookie`, by lower-case name; repeated values are joined."""
        joined: dict[str, list[str]] = {}
        for name, value in self._forwarded():
            joined.setdefault(name.lower(), []).append(value)
        return {name: ",".join(values) for name, values in joined.items() if name != "cookie"}

    def _forwarded(self) -> list[tuple[str, str]]:
        """The headers that the gateway forwards, and those that it adds."""
        kept = [h for h in self.headers if h[0].lower() not in _NOT_FORWARDED]
        names = {name.lower() for name, _ in kept}
        if self.body and "content-length" not in names:
            kept.append(("content-length", str(len(self.body))))
        return [
            *kept,
            ("X-Forwarded-For", self.source_ip),
            ("X-Forwarded-Proto", self.scheme),
        ]


def http_api_event(
    call: HttpRequest, route: str = "$default", path_parameters: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the event of an HTTP API, whose path is decoded."""
    path = unquote(call.path)
    query = parse_qs(call.query, keep_blank_values=True)
    cookies = [c.strip() for c in call.header("cookie").split(";") if c.strip()]
    return {
        "version": "2.0",
        "routeKey": route,
        "rawPath": path,
        "rawQueryString": call.query,
        **({"cookies": cookies} if cookies else {}),
        "headers": call.joined_headers(),
        **({"queryStringParameters": {n: ",".join(v) for n, v in query.items()}} if query else {}),
        **({"pathParameters": dict(path_parameters)} if path_parameters else {}),
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "local",
            "domainName": "local.execute-api",
            "domainPrefix": "local",
            "http": {
                "method": call.method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": call.source_ip,
                "userAgent": call.header("user-agent"),
            },
            "requestId": call.request_id,
            "routeKey": route,
            "stage": "$default",
            "time": call.at.strftime("%d/%b/%Y:%H:%M:%S %z"),
            "timeEpoch": int(call.at.timestamp() * 1000),
        },
        **_body(call),
    }


def queue_event(
    messages: Iterable[Mapping[str, Any]], queue_arn: str, region: str
) -> dict[str, Any]:
    """Return the event for a batch of messages, which have the form of SQS's ReceiveMessage."""
    return {
        "Records": [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message.get("Attributes", {}),
                "messageAttributes": message.get("MessageAttributes", {}),
                "md5OfBody": message.get("MD5OfBody", ""),
                "eventSource": "aws:sqs",
                "eventSourceARN": queue_arn,
                "awsRegion": region,
            }
            for message in messages
        ]
    }


def schedule_event(rule: str, region: str, at: datetime | None = None) -> dict[str, Any]:
    """Return the event of a scheduled EventBridge rule."""
    return {
        "version": "0",
        "id": str(uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": (at or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": region,
        "resources": [f"arn:aws:events:{region}:{ACCOUNT}:rule/{rule}"],
        "detail": {},
    }


def _body(call: HttpRequest) -> dict[str, Any]:
    """The body fields: text types as text, anything else in base64."""
    if not call.body:
        return {"isBase64Encoded": False}
    if call.header("content-type").lower().startswith(_TEXT_TYPES):
        try:
            return {"body": call.body.decode(), "isBase64Encoded": False}
        except UnicodeDecodeError:
            pass
    return {"body": base64.b64encode(call.body).decode(), "isBase64Encoded": True}
