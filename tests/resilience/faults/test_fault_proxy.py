"""The proxy injects the faults that the other tests rely on."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from tests.support.fault_proxy.drops import only
from tests.support.fault_proxy.faults import (
    BLACKHOLED,
    REFUSING,
    REPLIES_STALLED,
    REQUESTS_STALLED,
    RESET,
    STALLED,
    Fault,
    Loss,
)
from tests.support.fault_proxy.proxy import FaultyProxy, faulty_proxy

_SHORT_TIMEOUT_S = 1.0


class _Echo(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        for line in self.rfile:
            received.append(line)
            self.wfile.write(line)


received: list[bytes] = []
"""Lines that the echo server has received in the present test."""


class _UpperCase(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        for line in self.rfile:
            self.wfile.write(line.upper())


@pytest.fixture
def proxy() -> Iterator[FaultyProxy]:
    """A proxy before an echo server."""
    received.clear()
    with serving(_Echo) as port, faulty_proxy(port) as proxy:
        yield proxy


@contextmanager
def serving(handler: type[socketserver.BaseRequestHandler]) -> Iterator[int]:
    """A server on a free port; yields the port."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@contextmanager
def connected(proxy: FaultyProxy) -> Iterator[socket.socket]:
    """A connection on which one line has been echoed."""
    with closing(socket.create_connection(("127.0.0.1", proxy.port))) as sock:
        assert reply_to(sock, b"hello\n") == b"hello\n"
        yield sock


def reply_to(sock: socket.socket, line: bytes, timeout_s: float = 30.0) -> bytes:
    """Send `line` and return the reply; raises `TimeoutError` if none comes."""
    sock.settimeout(timeout_s)
    sock.sendall(line)
    return sock.recv(100)


def test_a_reset_ends_existing_and_new_connections(proxy: FaultyProxy) -> None:
    with connected(proxy) as sock, proxy.suffering(RESET):
        with pytest.raises(ConnectionResetError):
            reply_to(sock, b"1\n")
        other = socket.create_connection(("127.0.0.1", proxy.port))
        with closing(other), pytest.raises(ConnectionResetError):
            reply_to(other, b"2\n")
    with connected(proxy):
        assert received == [b"hello\n"] * 2


def test_a_refusing_proxy_listens_on_the_same_port_again_afterwards(proxy: FaultyProxy) -> None:
    with proxy.suffering(REFUSING), pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", proxy.port))
    with connected(proxy):
        assert received == [b"hello\n"]


@pytest.mark.parametrize(
    ("fault", "arrives"), [(STALLED, False), (REQUESTS_STALLED, False), (REPLIES_STALLED, True)]
)
def test_stalled_data_is_forwarded_when_the_fault_ends(
    proxy: FaultyProxy, fault: Fault, arrives: bool
) -> None:
    with connected(proxy) as sock:
        with proxy.suffering(fault):
            with pytest.raises(TimeoutError):
                reply_to(sock, b"1\n", _SHORT_TIMEOUT_S)
            assert (b"1\n" in received) is arrives
        sock.settimeout(30)
        assert sock.recv(100) == b"1\n"


def test_a_blackholed_connection_never_forwards_data_again(proxy: FaultyProxy) -> None:
    with connected(proxy) as sock:
        with proxy.suffering(BLACKHOLED), pytest.raises(TimeoutError):
            reply_to(sock, b"1\n", _SHORT_TIMEOUT_S)
        with connected(proxy), pytest.raises(TimeoutError):
            reply_to(sock, b"2\n", _SHORT_TIMEOUT_S)
    assert received == [b"hello\n"] * 2


@pytest.mark.parametrize(
    ("loss", "error"), [(Loss.RESET, ConnectionResetError), (Loss.SILENCE, TimeoutError)]
)
def test_only_the_reply_to_the_picked_request_is_lost(
    proxy: FaultyProxy, loss: Loss, error: type[OSError]
) -> None:
    with connected(proxy) as sock, proxy.dropping_replies(b"write", loss, only(2)) as drop:
        assert reply_to(sock, b"write 1\n") == b"write 1\n"
        assert reply_to(sock, b"read\n") == b"read\n"
        assert not drop.dropped.is_set()
        with pytest.raises(error):
            reply_to(sock, b"write 2\n", _SHORT_TIMEOUT_S)
        assert drop.dropped.is_set()
        with connected(proxy) as other:
            assert reply_to(other, b"write 3\n") == b"write 3\n"
    assert received == [b"hello\n", b"write 1\n", b"read\n", b"write 2\n", b"hello\n", b"write 3\n"]


def test_a_dropped_request_resets_its_connection_and_never_arrives(proxy: FaultyProxy) -> None:
    with connected(proxy) as sock, proxy.dropping_requests(b"write") as drop:
        assert reply_to(sock, b"read\n") == b"read\n"
        with pytest.raises(ConnectionResetError):
            reply_to(sock, b"write\n")
        assert drop.dropped.is_set()
    assert received == [b"hello\n", b"read\n"]


def test_a_redirected_proxy_keeps_existing_connections_on_the_old_server(
    proxy: FaultyProxy,
) -> None:
    with connected(proxy) as old, serving(_UpperCase) as other_port:
        proxy.redirect_to(other_port)
        with closing(socket.create_connection(("127.0.0.1", proxy.port))) as new:
            assert reply_to(new, b"new\n") == b"NEW\n"
            assert reply_to(old, b"old\n") == b"old\n"
