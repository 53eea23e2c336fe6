"""A reverse proxy that serves a server below a path, and removes that path from requests."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.forwarding_proxy import (
    CHUNK,
    ForwardingProxy,
    Streams,
    forward,
    until_first_ends,
)

_NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_METHODS = (b"GET ", b"POST ", b"PATCH ", b"DELETE ", b"OPTIONS ")


@contextmanager
def prefix_proxy(target_port: int, prefix: str) -> Iterator[str]:
    """Run a proxy to `target_port` for the duration of the block; yield the URL with `prefix`.

    It keeps the `Host`, and answers 404 to requests outside of `prefix`.
    """
    proxy = _PrefixProxy(target_port, prefix.encode())
    with proxy.running():
        yield proxy.url + prefix


class _PrefixProxy(ForwardingProxy):
    def __init__(self, target_port: int, prefix: bytes) -> None:
        super().__init__(target_port)
        self._prefix = prefix

    async def exchange(self, client: Streams, target: Streams) -> None:
        await until_first_ends(
            self._forward_requests(client, target), forward(target.reader, client.writer)
        )

    async def _forward_requests(self, client: Streams, target: Streams) -> None:
        """Forward each request without the prefix.

        A client sends a request only after the answer to the one before, so each begins a chunk.
        """
        while data := await client.reader.read(CHUNK):
            if data.startswith(_METHODS):
                method, path = data.split(b" ", 1)
                if not path.startswith(self._prefix + b"/"):
                    client.writer.write(_NOT_FOUND)
                    return
                data = method + b" " + path.removeprefix(self._prefix)
            target.writer.write(data)
            await target.writer.drain()
