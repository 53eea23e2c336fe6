"""This process as an instance of functions: handlers are called as Lambda's runtime calls them."""

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
from shared.serverless import invocation_log
from shared.serverless.instance import Instance
from tests.functions.moto_aws import REGION
from tests.support.api import chess

Handler = Callable[[dict[str, Any], Any], Any]
Event = Callable[[HttpRequest], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a function answers to a request."""

    status: int
    headers: dict[str, str]
    body: bytes
    is_base64: bool

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)


class Process:
    """Every handler in it has the same `ExecutionEnvironment`;

    on Lambda each would have its own.
    """

    def __init__(self) -> None:
        self._used: list[Handler] = []

    @property
    def instance(self) -> Instance:
        """What they keep from one invocation to the next."""
        return instance_module.instance()

    def request(
        self,
        handler: Handler,
        method: str,
        path: str,
        body: Any = None,
        *,
        event: Event = http_api_event,
        **headers: str,
    ) -> Answer:
        """What an endpoint answers, asked by the `event` of some gateway."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            named.setdefault("Content-Type", "application/json")
        written = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        call = HttpRequest(method, path, headers=tuple(named.items()), body=written)
        return answer_of(self.invoke(handler, event(call)))

    def deliver(self, handler: Handler, *bodies: str) -> list[int]:
        """Hand over a batch of messages; returns the places of those that have failed."""
        messages = [
            {"MessageId": str(place), "ReceiptHandle": "-", "Body": body}
            for place, body in enumerate(bodies)
        ]
        answer = self.invoke(handler, queue_event(messages, "arn:aws:sqs:::alarms", REGION))
        return [int(failure["itemIdentifier"]) for failure in answer["batchItemFailures"]]

    def fire(self, handler: Handler) -> None:
        """Have a worker do what its schedule has it do."""
        assert self.invoke(handler, schedule_event("every-minute", REGION)) is None

    def invoke(self, handler: Handler, event: dict[str, Any]) -> Any:
        """What `handler` returns."""
        self._used.append(handler)
        return handler(event, SimpleNamespace(aws_request_id=str(uuid4())))

    def game(self, **more: Any) -> str:
        """The id of a running game for two."""
        created = self.request(create.handler, "POST", "/v1/sessions", chess(**more))
        assert created.status == 201, created.body
        session_id = str(created.json["data"]["session_id"])
        started = self.request(start.handler, "POST", f"/v1/sessions/{session_id}/start")
        assert started.status == 200, started.body
        return session_id

    def end(self) -> None:
        """Let go of everything that the instance had."""
        for handler in self._used:
            vars(handler).pop("_adapter", None)
        if instance_module.instance.cache_info().currsize:
            self.instance.before_snapshot()
            self.instance.loop.close()
            asyncio.set_event_loop(None)
        instance_module.instance.cache_clear()


@contextmanager
def fresh_process() -> Iterator[Process]:
    """A process that hasn't served yet; what its log is set to goes with it."""
    root = logging.getLogger()
    level = root.level
    invocation_log._served = False
    process = Process()
    try:
        yield process
    finally:
        process.end()
        root.setLevel(level)
        for handler in list(root.handlers):
            if isinstance(handler.formatter, JsonFormatter):
                root.removeHandler(handler)


def answer_of(returned: dict[str, Any]) -> Answer:
    """What a function has returned, read as a gateway reads it."""
    listed = {name: values[0] for name, values in returned.get("multiValueHeaders", {}).items()}
    headers = {name.lower(): value for name, value in (listed | returned["headers"]).items()}
    is_base64 = bool(returned["isBase64Encoded"])
    body = base64.b64decode(returned["body"]) if is_base64 else returned["body"].encode()
    return Answer(returned["statusCode"], headers, body, is_base64)
