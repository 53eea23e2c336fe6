"""An attempt to connect leaves no socket open when it is cancelled, at any step."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from infra.local.redis_tls import make_certificates
from shared.store.redis.address import RedisAddress
from shared.store.redis.handshake import open_connection

_GREETING = b"*2\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n+PONG\r\n"
_MAX_STEPS = 200


@contextmanager
def _server(context: ssl.SSLContext | None) -> Iterator[int]:
    """A Redis that accepts one connection after the other and never closes its side."""
    connections: list[socket.socket] = []

    def serve(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:  # the end of the test
                return
            connections.append(connection)
            with suppress(OSError):
                if context:
                    connection = context.wrap_socket(connection, server_side=True)
                    connections[-1] = connection
                if connection.recv(65_536):
                    connection.sendall(_GREETING)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in connections:
                connection.close()


def _open_sockets() -> int:
    loop: Any = asyncio.get_running_loop()
    return len(loop._selector.get_map())


@pytest.mark.parametrize("scheme", ["redis", "rediss"])
async def test_an_attempt_that_is_cancelled_at_any_step_leaves_no_socket_open(
    scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, run = asyncio.get_running_loop(), asyncio.events.Handle._run
    context = make_certificates(tmp_path) if scheme == "rediss" else None
    options = f"?ssl_ca_certs={tmp_path}/ca.pem" if context else ""
    before = _open_sockets()

    async def is_opened_before(last_step: int) -> bool:
        """Cancel at `last_step`; return whether the connection was opened before that step."""
        opening = asyncio.create_task(open_connection(address, address.endpoints[0]))
        steps = count(1)

        def cancel_in_time(handle: Any) -> None:
            if handle._loop is loop and next(steps) == last_step:
                opening.cancel()
            run(handle)

        with monkeypatch.context() as patched:
            patched.setattr(asyncio.events.Handle, "_run", cancel_in_time)
            await asyncio.wait({opening})
        if opening.cancelled():
            return False
        await (await opening).close()
        return True

    with _server(context) as port:
        address = RedisAddress.of(f"{scheme}://127.0.0.1:{port}{options}")
        for step in range(1, _MAX_STEPS):
            is_opened = await is_opened_before(step)
            for _ in range(2):  # the loop closes aborted sockets in its next iterations
                await asyncio.sleep(0)
            assert _open_sockets() == before, f"cancelled at step {step}"
            if is_opened:
                return
    pytest.fail("the connection is never opened")
