"""Servers that do what the service never should, for the load tool to notice."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from websockets.sync.server import ServerConnection, serve

from infra.local.ports import free_port


@contextmanager
def answering_only_after(requests: int) -> Iterator[int]:
    """A server that keeps every request waiting until so many have come."""
    port, is_up, loop = free_port(), threading.Event(), asyncio.new_event_loop()
    body = b'{"data": {"version": 2}}'
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)

    async def be_there() -> None:
        come, enough = 0, asyncio.Event()

        async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal come
            await reader.readuntil(b"\r\n\r\n")
            come += 1
            if come == requests:
                enough.set()
            await enough.wait()
            writer.write(answer)
            await writer.drain()
            await reader.read()
            writer.close()

        async with await asyncio.start_server(hold, "127.0.0.1", port):
            is_up.set()
            await is_over.wait()

    is_over = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(be_there(),))
    thread.start()
    is_up.wait()
    yield port
    loop.call_soon_threadsafe(is_over.set)
    thread.join()
    loop.close()


@contextmanager
def answering(*statuses: int) -> Iterator[tuple[int, list[str]]]:
    """A server that answers requests with these statuses in turn; gives its port and the requests,
    as method and path."""
    left, seen = iter(statuses), list[str]()

    class Answering(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            seen.append(f"{self.command} {self.path}")
            self.send_response(next(left))
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port, seen
        server.shutdown()
        thread.join()


@contextmanager
def telling(*messages: str, leaves: bool = False) -> Iterator[int]:
    """A WebSocket server that says each once to whoever comes, and then listens, or `leaves`."""

    def tell(socket: ServerConnection) -> None:
        for message in messages:
            kind, version = message.split()
            socket.send(json.dumps({"type": kind, "state": {"version": int(version)}}))
        if not leaves:
            for _ in socket:
                pass

    with serve(tell, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.socket.getsockname()[1]
        server.shutdown()
        thread.join()
