"""Logs, answers and metrics contain no secrets, even at DEBUG and after errors."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from infra.local.instance import environment_without_databases, is_healthy
from infra.local.ports import free_port
from tests.support import tokens
from tests.support.api import chess
from tests.support.tokens import bearer

_METRICS_TOKEN = "b81f03cd95e2476a8c1d"
_PASSWORD = "pa55-w0rd-0f-th3-d4t4b4se"


@contextmanager
def _instance_logging_to(redis_url: str, log: Path) -> Iterator[str]:
    """Start an instance that logs at DEBUG to `log`; yield its URL."""
    port = free_port()
    own = {
        "PORT": str(port),
        "LOG_LEVEL": "DEBUG",
        "REDIS_URL": redis_url,
        "JWT_SECRET": tokens.SECRET,
        "METRICS_TOKEN": _METRICS_TOKEN,
        # An unreachable database, so that errors are logged.
        "DATABASE_URL": f"postgresql://user:{_PASSWORD}@127.0.0.1:{free_port()}/postgres",
    }
    with log.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "functions.server"],
            env=environment_without_databases() | own,
            stdout=written,
            stderr=subprocess.STDOUT,
        )
        try:
            while not is_healthy(f"http://127.0.0.1:{port}"):
                assert process.poll() is None
                time.sleep(0.02)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(20)


async def _answers_to_requests(url: str) -> list[str]:
    """Send requests of many kinds and return every answer as text."""
    seen: list[httpx.Response] = []
    forged = tokens.signed(tokens.claims("host", "mallory"), key=tokens.WRONG_SECRET)
    async with httpx.AsyncClient(base_url=url, timeout=30) as http:
        created = await http.post("/v1/sessions", json=chess(), headers=bearer(tokens.host()))
        path = created.headers["location"]
        seen.append(created)
        for token in (tokens.host(), tokens.host("bob"), forged, "nonsense"):
            for method, address in (
                ("GET", path),
                ("GET", f"{path}/events"),
                ("POST", f"{path}/x"),
            ):
                seen.append(await http.request(method, address, headers=bearer(token)))
        seen.append(await http.get(f"{path}/stream?token={forged}"))
        seen.append(await http.get("/ready"))
        seen.append(await http.get("/metrics"))
        seen.append(await http.get("/metrics", headers=bearer(_METRICS_TOKEN)))
        assert [answer.status_code for answer in seen[-2:]] == [401, 200]
    session_id = path.rpartition("/")[2]
    for token in (tokens.host(), forged):
        socket_url = f"{url.replace('http', 'ws')}/ws?sessionId={session_id}&token={token}"
        received = ""
        async with connect(socket_url) as socket:
            with suppress(ConnectionClosed):  # a forged token may be refused first
                await socket.send('{"type": "AUTHENTICATE", "token": "' + tokens.host() + '"}')
                received = str(await socket.recv())
        assert ("CONNECTED" in received) == (token is not forged)
    return [f"{answer.headers} {answer.text}" for answer in seen]


async def test_logs_and_answers_contain_no_secrets(own_redis_url: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with _instance_logging_to(own_redis_url, log) as url:
        seen = await _answers_to_requests(url)
    written = log.read_text()
    assert "/v1/sessions/{session_id}" in written
    for text in (written, *seen):
        for secret in (tokens.SECRET, tokens.WRONG_SECRET, _METRICS_TOKEN, _PASSWORD):
            assert secret not in text
        # Every JWT begins like this, so not even a part of one is found.
        assert not re.search(r"eyJ[\w-]{10}", text)


@pytest.mark.parametrize("module", ["functions.server", "infra.local.run"])
def test_production_does_not_start_without_its_secrets_and_names_them(module: str) -> None:
    own = {"APP_ENV": "production", "PORT": str(free_port())}
    ended = subprocess.run(
        [sys.executable, "-m", module],
        env=environment_without_databases() | own,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode != 0
    assert all(name in ended.stderr for name in ("JWT_SECRET", "REDIS_URL", "DATABASE_URL"))
    assert "Traceback" not in ended.stderr


def test_the_repository_has_no_env_files_but_examples() -> None:
    root = Path(__file__).parents[2]
    kept = subprocess.run(
        ["git", "ls-files"], cwd=root, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    files = {name for name in kept if Path(name).name.startswith(".env")}
    assert files == {".env.example", ".env.production.example"}
