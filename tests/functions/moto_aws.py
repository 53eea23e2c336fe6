"""SQS and parameter store, run by moto in this process, so that tests can read message delays."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import boto3
from moto.server import ThreadedMotoServer
from moto.sqs.models import sqs_backends

from infra.local.functions.events import ACCOUNT

REGION = "eu-north-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A message in a queue."""

    body: str
    delay_s: int


class LocalAws:
    """moto's server at `endpoint`."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._ssm = boto3.client(
            "ssm",
            endpoint_url=endpoint,
            region_name=REGION,
            aws_access_key_id="key",
            aws_secret_access_key="secret",
        )

    def create_queue(self) -> str:
        """Create a queue and return its URL."""
        name = f"queue-{uuid4()}"
        sqs_backends[ACCOUNT][REGION].create_queue(name=name)
        return f"{self.endpoint}/{ACCOUNT}/{name}"

    def messages_in(self, queue_url: str) -> list[SentMessage]:
        """Return the messages sent to a queue, oldest first."""
        messages = _queue(queue_url)._messages
        return [SentMessage(m.body, _delay_s(m.sent_timestamp, m.delayed_until)) for m in messages]

    def clear(self, queue_url: str) -> None:
        """Delete the messages of a queue."""
        _queue(queue_url)._messages.clear()

    def put_secrets(self, path: str, secrets: Mapping[str, str]) -> None:
        """Store `secrets` as encrypted parameters under `path`."""
        for name, value in secrets.items():
            self._ssm.put_parameter(Name=f"{path}/{name}", Value=value, Type="SecureString")

    def close(self) -> None:
        """Close the connections."""
        self._ssm.close()


@contextmanager
def local_aws() -> Iterator[LocalAws]:
    """Run the server for the duration of the block."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # it logs every request
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    aws = LocalAws(f"http://{host}:{port}")
    try:
        yield aws
    finally:
        aws.close()
        server.stop()


def _queue(url: str) -> Any:
    return sqs_backends[ACCOUNT][REGION].queues[url.rpartition("/")[2]]


def _delay_s(sent_ms: int, delayed_until_ms: float) -> int:
    """Return the delay of a message; moto sets no end for a message without one."""
    return round((delayed_until_ms - sent_ms) / 1000) if delayed_until_ms else 0
