"""Latency of single requests, without load: a switch, and its push to a client."""

import http.client
import time
from contextlib import closing
from urllib.parse import urlsplit

from websockets.sync.client import connect

from tests.load.bench.errors import BenchError
from tests.load.bench.figures import Figures, summarize

_WARM_UP = 20
_TIMEOUT_S = 5.0
_JSON = {"Content-Type": "application/json"}


def measure_switches(url: str, session_id: str, samples: int) -> Figures:
    """Measure from a switch's request to its answer, one after another on one connection."""
    taken_ms = []
    with closing(_connection(url)) as server:
        for _ in range(_WARM_UP + samples):
            sent = time.perf_counter()
            _send_switch(server, session_id)
            _read_answer(server)
            taken_ms.append((time.perf_counter() - sent) * 1000)
    return summarize(taken_ms[_WARM_UP:])


def measure_pushes(url: str, session_id: str, samples: int) -> Figures:
    """Measure from a switch's request to its message on a WebSocket."""
    taken_ms = []
    address = f"ws{url.removeprefix('http')}/ws?sessionId={session_id}"
    with closing(_connection(url)) as server, connect(address, proxy=None) as socket:
        socket.recv(timeout=_TIMEOUT_S)  # CONNECTED
        for _ in range(_WARM_UP + samples):
            sent = time.perf_counter()
            _send_switch(server, session_id)
            socket.recv(timeout=_TIMEOUT_S)
            taken_ms.append((time.perf_counter() - sent) * 1000)
            _read_answer(server)
    return summarize(taken_ms[_WARM_UP:])


def _connection(url: str) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(url).netloc, timeout=_TIMEOUT_S)


def _send_switch(server: http.client.HTTPConnection, session_id: str) -> None:
    server.request("POST", f"/v1/sessions/{session_id}/switch", "{}", _JSON)


def _read_answer(server: http.client.HTTPConnection) -> None:
    answer = server.getresponse()
    answer.read()
    if answer.status != 200:
        raise BenchError(f"A switch was answered with {answer.status} {answer.reason}.")
