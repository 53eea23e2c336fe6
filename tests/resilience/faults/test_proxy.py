"""The proxy fails as it is told to: what the other tests rest on."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from tests.resilience.faults.faults import (
    DEAF,
    MUTE,
    REFUSING,
    RESET,
    STALLED,
    STRANDED,
    Fault,
    Loss,
)
from tests.resilience.faults.proxy import FaultyProxy, faulty_proxy
from tests.resilience.faults.reply_drop import only

_SOON_S = 0.2


class _Echo(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        for line in self.rfile:
            heard.append(line)
            self.wfile.write(line)


heard: list[bytes] = []
"""By the server, in the present test."""


class _Shout(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        for line in self.rfile:
            self.wfile.write(line.upper())


@pytest.fixture
def proxy() -> Iterator[FaultyProxy]:
    """A proxy before a server that says what it hears."""
    heard.clear()
    with serving(_Echo) as port, faulty_proxy(port) as proxy:
        yield proxy


@contextmanager
def serving(handler: type[socketserver.BaseRequestHandler]) -> Iterator[int]:
    """A server on a free port, which is given."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@contextmanager
def connected(proxy: FaultyProxy) -> Iterator[socket.socket]:
    """A connection that has been used."""
    with closing(socket.create_connection(("127.0.0.1", proxy.port))) as sock:
        assert said(sock, b"hello\n") == b"hello\n"
        yield sock


def said(sock: socket.socket, line: bytes, patience_s: float = 5.0) -> bytes:
    """What comes back; raises `TimeoutError` if nothing does."""
    sock.settimeout(patience_s)
    sock.sendall(line)
    return sock.recv(100)


def test_a_reset_ends_what_is_connected_and_whatever_connects(proxy: FaultyProxy) -> None:
    with connected(proxy) as sock, proxy.suffering(RESET):
        with pytest.raises(ConnectionResetError):
            said(sock, b"1\n")
        other = socket.create_connection(("127.0.0.1", proxy.port))
        with closing(other), pytest.raises(ConnectionResetError):
            said(other, b"2\n")
    with connected(proxy):
        assert heard == [b"hello\n"] * 2


def test_nobody_listens_and_then_on_the_same_port_again(proxy: FaultyProxy) -> None:
    with proxy.suffering(REFUSING), pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", proxy.port))
    with connected(proxy):
        assert heard == [b"hello\n"]


@pytest.mark.parametrize(("fault", "arrives"), [(STALLED, False), (DEAF, False), (MUTE, True)])
def test_what_was_held_back_goes_on_when_the_fault_ends(
    proxy: FaultyProxy, fault: Fault, arrives: bool
) -> None:
    with connected(proxy) as sock:
        with proxy.suffering(fault):
            with pytest.raises(TimeoutError):
                said(sock, b"1\n", _SOON_S)
            assert (b"1\n" in heard) is arrives
        sock.settimeout(5)
        assert sock.recv(100) == b"1\n"


def test_who_is_stranded_is_never_heard_again(proxy: FaultyProxy) -> None:
    with connected(proxy) as sock:
        with proxy.suffering(STRANDED), pytest.raises(TimeoutError):
            said(sock, b"1\n", _SOON_S)
        with connected(proxy), pytest.raises(TimeoutError):
            said(sock, b"2\n", _SOON_S)
    assert heard == [b"hello\n"] * 2


@pytest.mark.parametrize(
    ("loss", "error"), [(Loss.RESET, ConnectionResetError), (Loss.SILENCE, TimeoutError)]
)
def test_only_the_reply_to_the_picked_request_is_lost(
    proxy: FaultyProxy, loss: Loss, error: type[OSError]
) -> None:
    with connected(proxy) as sock, proxy.losing_replies(b"write", loss, only(2)) as ambush:
        assert said(sock, b"write 1\n") == b"write 1\n"
        assert said(sock, b"read\n") == b"read\n"
        assert not ambush.struck.is_set()
        with pytest.raises(error):
            said(sock, b"write 2\n", _SOON_S)
        assert ambush.struck.is_set()
        with connected(proxy) as other:
            assert said(other, b"write 3\n") == b"write 3\n"
    assert heard == [b"hello\n", b"write 1\n", b"read\n", b"write 2\n", b"hello\n", b"write 3\n"]


def test_new_connections_lead_to_another_server_and_old_ones_stay(proxy: FaultyProxy) -> None:
    with connected(proxy) as old, serving(_Shout) as other_port:
        proxy.lead_to(other_port)
        with closing(socket.create_connection(("127.0.0.1", proxy.port))) as new:
            assert said(new, b"new\n") == b"NEW\n"
            assert said(old, b"old\n") == b"old\n"
