"""The probe behind HEALTHCHECK."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from functions.container.healthcheck import health_problem
from infra.image.buildah import ROOT
from infra.local.instance import running
from infra.local.ports import free_port


def probe(port: int | str, host: str = "0.0.0.0") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "functions.container.healthcheck"],
        cwd=ROOT,
        env=os.environ | {"HOST": host, "PORT": str(port)},
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def answering(write: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    """The port of a server that answers as our own never would."""
    server = HTTPServer(("127.0.0.1", 0), write)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Unavailable(BaseHTTPRequestHandler):
    """503, always."""

    def do_GET(self) -> None:
        self.send_error(503)

    def log_message(self, *_: object) -> None:
        """Nothing."""


class Dripping(Unavailable):
    """A byte of a header now and then, as long as somebody listens."""

    def do_GET(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        try:
            while True:
                self.wfile.write(b".")
                time.sleep(0.02)  # the pace is the point
        except OSError:
            return


def test_a_service_that_answers_is_alive_and_one_that_hangs_or_is_gone_is_not(
    redis_url: str,
) -> None:
    with running(redis_url, quiet=True) as instance:
        assert probe(instance.port).returncode == 0
        instance.process.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        hanging = probe(instance.port)
        took = time.monotonic() - began
        instance.process.send_signal(signal.SIGCONT)
        assert hanging.returncode == 1
        assert "no answer in time" in hanging.stderr
        assert took < 5, "HEALTHCHECK has a timeout of 5 s"
    gone = probe(instance.port)
    assert gone.returncode == 1
    assert f"port {instance.port} doesn't answer" in gone.stderr


def test_any_other_status_is_not_alive() -> None:
    with answering(Unavailable) as port:
        assert health_problem("0.0.0.0", port) == f"/health on port {port} answers 503"


def test_an_answer_that_never_ends_is_not_alive() -> None:
    with answering(Dripping) as port:
        assert "no answer in time" in str(health_problem("127.0.0.1", port, deadline_s=0.2))


def test_a_port_that_is_no_number_is_named() -> None:
    assert probe("http").stderr == "PORT is not a number: http\n"


def test_where_nobody_listens_nobody_is_alive() -> None:
    assert "doesn't answer" in str(health_problem("::1", free_port()))


def test_it_imports_nothing_that_would_make_it_slow() -> None:
    heavy = ("fastapi", "pydantic", "shared", "asyncio", "httpx")
    module = "functions.container.healthcheck"
    code = f"import sys, {module}; sys.exit(str(sys.modules.keys() & {set(heavy)}))"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.stderr == "set()\n"


@pytest.mark.parametrize("option", ["interval", "timeout", "start-period", "retries"])
def test_how_often_it_is_asked_is_said(option: str) -> None:
    assert f"--{option}=" in (ROOT / "Dockerfile").read_text()
