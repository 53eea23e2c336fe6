"""Faulty stub servers: the load tool must notice their faults."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from websockets.sync.server import ServerConnection, serve

from infra.local.ports import free_port


@contextmanager
def server_answering_after(requests: int) -> Iterator[int]:
    """Run a server that holds all responses until it got `requests` requests; yield its port."""
    port, is_up, loop = free_port(), threading.Event(), asyncio.new_event_loop()
    body = b'{"data": {"version": 2}}'
    response = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)

    async def serve_until_over() -> None:
        received, enough = 0, asyncio.Event()

        async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal received
            await reader.readuntil(b"\r\n\r\n")
            received += 1
            if received == requests:
                enough.set()
            await enough.wait()
            writer.write(response)
            await writer.drain()
            await reader.read()
            writer.close()

        async with await asyncio.start_server(hold, "127.0.0.1", port):
            is_up.set()
            await is_over.wait()

    is_over = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(serve_until_over(),))
    thread.start()
    is_up.wait()
    yield port
    loop.call_soon_threadsafe(is_over.set)
    thread.join()
    loop.close()


@contextmanager
def server_with_statuses(*statuses: int) -> Iterator[tuple[int, list[str]]]:
    """Run a server that gives these statuses in turn.

    Yields its port, and a list to which it adds method and path of each request.
    """
    left, seen = iter(statuses), list[str]()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            seen.append(f"{self.command} {self.path}")
            self.send_response(next(left))
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port, seen
        server.shutdown()
        thread.join()


@contextmanager
def websocket_server(*messages: str, closes: bool = False) -> Iterator[int]:
    """Run a WebSocket server that sends `messages` on each socket, then closes it if `closes`.

    A message is a type and a version, such as `STATE_UPDATE 2`. Yields the port.
    """

    def handle(socket: ServerConnection) -> None:
        for message in messages:
            kind, version = message.split()
            socket.send(json.dumps({"type": kind, "state": {"version": int(version)}}))
        if not closes:
            for _ in socket:
                pass

    with serve(handle, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.socket.getsockname()[1]
        server.shutdown()
        thread.join()
