"""The probe of HEALTHCHECK: only status 200 from /health in time means healthy."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from functions.container import healthcheck
from functions.container.healthcheck import health_problem
from infra.image.buildah import ROOT
from infra.local.instance import running
from infra.local.ports import free_port


def run_probe(port: int | str, host: str = "0.0.0.0") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "functions.container.healthcheck"],
        cwd=ROOT,
        env=os.environ | {"HOST": host, "PORT": str(port)},
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def running_server(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    """Run a server with this request handler; the value is its port."""
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Unavailable(BaseHTTPRequestHandler):
    """Answers each GET request with 503."""

    def do_GET(self) -> None:
        self.send_error(503)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


class EndlessHeader(Unavailable):
    """Sends an endless header, one byte every 20 ms, until the client disconnects."""

    def do_GET(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        try:
            while True:
                self.wfile.write(b".")
                time.sleep(0.02)  # keeps each read short; only the total time is too long
        except OSError:
            return


def test_a_responding_service_is_healthy_and_a_hanging_or_stopped_one_is_not(
    redis_url: str,
) -> None:
    with running(redis_url, quiet=True) as instance:
        assert run_probe(instance.port).returncode == 0
        instance.process.send_signal(signal.SIGSTOP)
        hanging = run_probe(instance.port)
        instance.process.send_signal(signal.SIGCONT)
        assert hanging.returncode == 1
        assert "no answer in time" in hanging.stderr
    gone = run_probe(instance.port)
    assert gone.returncode == 1
    assert f"port {instance.port} doesn't answer" in gone.stderr


def test_the_probe_gives_up_before_docker_does() -> None:
    timeout = re.search(
        r"^HEALTHCHECK .*--timeout=(\d+)s", (ROOT / "Dockerfile").read_text(), re.MULTILINE
    )
    assert timeout
    assert int(timeout[1]) > healthcheck._TIMEOUT_S


def test_another_status_than_200_is_unhealthy() -> None:
    with running_server(Unavailable) as port:
        assert health_problem("0.0.0.0", port) == f"/health on port {port} answers 503"


def test_an_endless_response_is_unhealthy() -> None:
    with running_server(EndlessHeader) as port:
        assert "no answer in time" in str(health_problem("127.0.0.1", port, deadline_s=0.2))


def test_a_port_that_is_not_a_number_is_reported() -> None:
    assert run_probe("http").stderr == "PORT is not a number: http\n"


def test_a_port_without_a_server_is_unhealthy() -> None:
    assert "doesn't answer" in str(health_problem("::1", free_port()))


def test_the_probe_imports_no_slow_modules() -> None:
    heavy = ("fastapi", "pydantic", "shared", "asyncio", "httpx")
    module = "functions.container.healthcheck"
    code = f"import sys, {module}; sys.exit(str(sys.modules.keys() & {set(heavy)}))"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.stderr == "set()\n"


@pytest.mark.parametrize("option", ["interval", "timeout", "start-period", "retries"])
def test_the_dockerfile_sets_each_time_limit_of_the_probe(option: str) -> None:
    assert f"--{option}=" in (ROOT / "Dockerfile").read_text()
