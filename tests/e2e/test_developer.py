"""A developer builds on the service: a key, a session, webhooks, a frame, lists and the history."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect
from standardwebhooks import Webhook, WebhookVerificationError

from infra.local.instance import Instance, environment_without_databases, running
from infra.local.postgres import EmbeddedPostgres
from infra.local.redis import embedded_redis
from tests.e2e.conftest import Opener
from tests.e2e.site import Site, site_in
from tests.support import tokens
from tests.support.api import chess

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 30
Delivery = tuple[dict[str, str], bytes]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """The developer's web site."""
    with site_in(tmp_path) as site:
        yield site


@pytest.fixture
def api_key(redis: str) -> str:
    """The key that the operator makes for the developer, with the command of docs/api-keys.md."""
    options = ("--name", "Match server", "--role", "service", "--tenant", "developer")
    return subprocess.run(
        [sys.executable, "-m", "infra.api_keys", "create", *options],
        cwd=ROOT,
        env=environment_without_databases() | {"REDIS_URL": redis},
        capture_output=True,
        check=True,
        text=True,
        timeout=TIMEOUT_S,
    ).stdout.strip()


@pytest.fixture
def redis() -> Iterator[str]:
    """The service's Redis."""
    with embedded_redis() as url:
        yield url


@pytest.fixture
def platform(redis: str, postgres: EmbeddedPostgres, site: Site) -> Iterator[Instance]:
    """A service that requires keys or tokens, and lets the developer's site frame its clocks."""
    settings = tokens.WITH_AUTHENTICATION | {
        "DATABASE_URL": postgres.url,
        "EMBED_ORIGINS": site.origin,
        "RECOVERY": "off",
    }
    with running(redis, port=None, quiet=False, **settings) as instance:
        yield instance


@contextmanager
def receiver(deliveries: "Queue[Delivery]") -> Iterator[str]:
    """Run the developer's backend, which puts what it is sent into `deliveries`; yield its URL."""

    class Backend(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            deliveries.put(({name.lower(): text for name, text in self.headers.items()}, body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Backend) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_a_developer_builds_on_the_service(
    platform: Instance, api_key: str, site: Site, open_page: Opener
) -> None:
    deliveries: Queue[Delivery] = Queue()
    headers = tokens.bearer(api_key)
    with (
        receiver(deliveries) as backend,
        httpx.Client(base_url=platform.url, headers=headers, timeout=TIMEOUT_S) as http,
    ):
        hook = data(http.post("/v1/webhooks", json={"url": backend, "events": ["*"]}))
        game = data(http.post("/v1/sessions", json=chess(metadata={"title": "Match 1"})))
        session = f"/v1/sessions/{game['session_id']}"
        watching = data(http.post(f"{session}/tokens", json={"role": "spectator"}))
        address = f"{platform.url}/embed?session={game['session_id']}#token={watching['token']}"
        page = open_page(site.page(f'<iframe src="{address}" width="640" height="240"></iframe>'))
        tile = page.page.frame_locator("iframe").locator(".tile")
        expect(tile).to_have_attribute("data-status", "pending")
        for verb in ("start", "switch", "complete"):
            http.post(f"{session}/{verb}").raise_for_status()
        expect(tile).to_have_attribute("data-status", "completed")

        wanted = ["session.created", "session.started", "cycle.switched", "session.completed"]
        assert verified(Webhook(hook["secret"]), deliveries, len(wanted)) == wanted
        listed = data(http.get("/v1/sessions"))["sessions"]
        assert [one["session_id"] for one in listed] == [game["session_id"]]
        trail = data(http.get(f"{session}/events"))["events"]
        assert [one["event"] for one in trail] == [
            "session_created",
            "session_started",
            "cycle_switched",
            "session_completed",
        ]
        assert {one["actor"].partition(":key:")[0] for one in trail} == {"service"}
        http.delete(f"/v1/webhooks/{hook['webhook_id']}").raise_for_status()


def data(answer: httpx.Response) -> Any:
    """Return the data of a successful answer."""
    assert answer.is_success, answer.text
    return answer.json()["data"]


def verified(webhook: Webhook, deliveries: "Queue[Delivery]", count: int) -> list[str]:
    """Wait for `count` deliveries; verify each, but not when it is changed. Return their types."""
    types = []
    for _ in range(count):
        headers, body = deliveries.get(timeout=TIMEOUT_S)
        types.append(str(webhook.verify(body, headers)["type"]))
        with pytest.raises(WebhookVerificationError):
            webhook.verify(body + b" ", headers)
    return types
