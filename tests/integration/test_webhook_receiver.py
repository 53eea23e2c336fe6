"""The receiver in docs/webhooks.md verifies and prints what it gets."""

import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from infra.local.ports import free_port
from shared.application.webhook_messages import EVENT_NAMES
from tests.support.api import ApiClient

_PAGE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text()
_MOST_LINES = 30
_TRIES = 200


def _receiver() -> str:
    (program,) = re.findall(r"^```python\n(.*?)^```", _PAGE, re.MULTILINE | re.DOTALL)
    return str(program)


@contextmanager
def _running(secret: str, port: int) -> Iterator[subprocess.Popen[str]]:
    settings = {**os.environ, "WEBHOOK_SECRET": secret, "PORT": str(port)}
    command = [sys.executable, "-W", "error", "-c", _receiver()]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=settings, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()


@pytest.fixture
async def webhook(api: ApiClient) -> AsyncIterator[dict[str, Any]]:
    """A webhook that gets only its tests, with a free port."""
    port = free_port()
    body = {"url": f"http://127.0.0.1:{port}/", "events": ["command.unscheduled"]}
    answer = await api.http.post("/v1/webhooks", json=body)
    created = {**answer.json()["data"], "port": port}
    yield created
    await api.http.delete(f"/v1/webhooks/{created['webhook_id']}")


async def _test(api: ApiClient, webhook: dict[str, Any]) -> dict[str, Any]:
    """Send a test event, again until the receiver listens; return the attempt."""
    for _ in range(_TRIES):
        answer = await api.http.post(f"/v1/webhooks/{webhook['webhook_id']}/test")
        attempt: dict[str, Any] = answer.json()["data"]
        if attempt.get("reason") != "no connection":
            break
    return attempt


async def test_the_receiver_of_the_page_takes_an_event(
    api: ApiClient, webhook: dict[str, Any]
) -> None:
    with _running(webhook["secret"], webhook["port"]) as process:
        attempt = await _test(api, webhook)
        assert attempt["outcome"] == "delivered", attempt
        assert process.stdout is not None
        assert process.stdout.readline().startswith("webhook.test {'webhook_id': ")


async def test_the_receiver_of_the_page_refuses_another_signature(
    api: ApiClient, webhook: dict[str, Any]
) -> None:
    with _running("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", webhook["port"]):
        assert (await _test(api, webhook))["status"] == 400


def test_the_receiver_is_short() -> None:
    assert len(_receiver().splitlines()) < _MOST_LINES


def test_the_page_lists_every_event() -> None:
    listing = _PAGE.partition("## The request")[2].partition("## Delivery")[0]
    named = set(re.findall(r"`([a-z]+\.[a-z_]+)`", listing))
    assert named - {"webhook.test"} == set(EVENT_NAMES)
