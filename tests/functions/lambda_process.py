"""Calls the functions' handlers in this process as Lambda's runtime calls them."""

import asyncio
import base64
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from functions.sessions import create, start
from infra.local.functions.events import HttpRequest, http_api_event, queue_event, schedule_event
from shared.observability.logging import JsonFormatter
from shared.serverless import instance as instance_module
from shared.serverless.instance import FunctionInstance
from tests.functions.moto_aws import REGION
from tests.support.api import chess

Handler = Callable[[dict[str, Any], Any], Any]


@dataclass(frozen=True, slots=True)
class FunctionResponse:
    """A function's response to an HTTP request."""

    status: int
    headers: dict[str, str]
    body: bytes
    is_base64: bool

    @property
    def json(self) -> Any:
        """The parsed body."""
        return json.loads(self.body)


class LambdaProcess:
    """All handlers called here share one execution environment; on Lambda each has its own."""

    def __init__(self) -> None:
        self._used: list[Handler] = []

    @property
    def instance(self) -> FunctionInstance:
        """The state kept between invocations."""
        return instance_module.instance()

    def request(
        self,
        handler: Handler,
        method: str,
        path: str,
        body: Any = None,
        **headers: str,
    ) -> FunctionResponse:
        """Send a request as the HTTP API does; return the response."""
        named_headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            named_headers.setdefault("Content-Type", "application/json")
        encoded_body = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        call = HttpRequest(method, path, headers=tuple(named_headers.items()), body=encoded_body)
        return parse_response(self.invoke(handler, http_api_event(call)))

    def deliver(self, handler: Handler, *bodies: str) -> list[int]:
        """Deliver a batch of messages; return the indices of the failed ones."""
        messages = [
            {"MessageId": str(index), "ReceiptHandle": "-", "Body": body}
            for index, body in enumerate(bodies)
        ]
        answer = self.invoke(handler, queue_event(messages, "arn:aws:sqs:::alarms", REGION))
        return [int(failure["itemIdentifier"]) for failure in answer["batchItemFailures"]]

    def run_scheduled(self, handler: Handler) -> None:
        """Invoke a worker with its schedule's event."""
        assert self.invoke(handler, schedule_event("every-minute", REGION)) is None

    def invoke(self, handler: Handler, event: dict[str, Any]) -> Any:
        """Invoke `handler` and return its result."""
        self._used.append(handler)
        return handler(event, SimpleNamespace(aws_request_id=str(uuid4())))

    def create_started_session(self, **more: Any) -> str:
        """Create and start a chess session; return its id."""
        created = self.request(create.handler, "POST", "/v1/sessions", chess(**more))
        assert created.status == 201, created.body
        session_id = str(created.json["data"]["session_id"])
        started = self.request(start.handler, "POST", f"/v1/sessions/{session_id}/start")
        assert started.status == 200, started.body
        return session_id

    def close(self) -> None:
        """Discard the instance and close its connections and event loop."""
        for handler in self._used:
            vars(handler).pop("_adapter", None)
        if instance_module.instance.cache_info().currsize:
            self.instance.before_snapshot()
            self.instance.loop.close()
            asyncio.set_event_loop(None)
        instance_module.instance.cache_clear()


@contextmanager
def fresh_process() -> Iterator[LambdaProcess]:
    """Yield a process before its first invocation; undo its log configuration at the end."""
    root = logging.getLogger()
    level = root.level
    instance_module._served = False
    process = LambdaProcess()
    try:
        yield process
    finally:
        process.close()
        root.setLevel(level)
        for handler in list(root.handlers):
            if isinstance(handler.formatter, JsonFormatter):
                root.removeHandler(handler)


def parse_response(returned: dict[str, Any]) -> FunctionResponse:
    """Decode a function's result as a gateway does."""
    headers = {name.lower(): value for name, value in returned["headers"].items()}
    is_base64 = bool(returned["isBase64Encoded"])
    body = base64.b64decode(returned["body"]) if is_base64 else returned["body"].encode()
    return FunctionResponse(returned["statusCode"], headers, body, is_base64)
