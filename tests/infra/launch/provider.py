"""A local HTTP server that plays the management API of a provider, and checks each request."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jsonschema

from infra.local.ports import free_port

Answer = tuple[int, Any]
Route = Callable[..., Answer]
"""Takes the parts of the path and the body."""

REFUSE = "refuse"
"""A fault: the request is answered 403 and has no effect."""
LOSE = "lose"
"""A fault: the request has its effect, and the connection ends without an answer."""


class Provider:
    """Answers by `routes`, from a template of "METHOD /path/{part}" to a function."""

    def __init__(self, schema: Path, authorization: str) -> None:
        self.routes: dict[str, Route] = {}
        self.requests: list[str] = []
        """The methods and paths of all requests that were made, without queries."""
        self.violations: list[str] = []
        self.faults: dict[str, str] = {}
        """From the template of a route to the fault of its next request."""
        self.url = ""
        self._schemas = json.loads(schema.read_text())
        self._authorization = authorization

    @property
    def changes(self) -> list[str]:
        """The requests that may change something."""
        return [request for request in self.requests if not request.startswith("GET")]

    def answer(self, method: str, target: str, authorization: str, text: bytes) -> Answer | None:
        """Return status and body of the answer, None to end the connection without one."""
        parts = urlsplit(target)
        request = f"{method} {parts.path}"
        self.requests.append(request)
        if authorization != self._authorization:
            return 401, {"message": "Unauthorized"}
        for template, route in self.routes.items():
            if match := re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template), request):
                return self._answer(template, route, match.groupdict(), text, parts.query)
        return 404, {"message": f"no route {request}"}

    def _answer(
        self, template: str, route: Route, names: dict[str, Any], text: bytes, query: str
    ) -> Answer | None:
        fault = self.faults.pop(template, "")
        if fault == REFUSE:
            return 403, {"message": "it was refused"}
        if schema := self._schemas.get(template):
            try:
                names = names | {"body": json.loads(text)}
                jsonschema.validate(names["body"], schema)
            except (ValueError, jsonschema.ValidationError) as error:
                self.violations.append(f"{template}: {error}")
                return 400, {"message": "invalid body"}
        if "reveal" in route.__code__.co_varnames:
            names = names | {"reveal": parse_qs(query).get("reveal") == ["true"]}
        answer = route(**names)
        return None if fault == LOSE else answer


@contextmanager
def serving(provider: Provider) -> Iterator[None]:
    """Serve the provider until the end of the block; then require that no request was invalid."""

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            found = provider.answer(
                self.command, self.path, self.headers.get("Authorization", ""), text
            )
            if found is None:
                self.close_connection = True
                return
            status, body = found
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Write nothing on standard error."""

    server = ThreadingHTTPServer(("127.0.0.1", free_port()), Handler)
    provider.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert provider.violations == []
