"""A collector of traces: takes OTLP over HTTP, as the specification has it."""

import gzip
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span

_PATIENCE_S = 10.0


@dataclass
class Collector:
    """What has come in so far."""

    url: str = ""
    spans: list[Span] = field(default_factory=list)
    resources: list[dict[str, Any]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    _news: threading.Condition = field(default_factory=threading.Condition)

    def take(self, body: bytes) -> None:
        """One request."""
        with self._news:
            self.raw.append(body)
            for part in ExportTraceServiceRequest.FromString(body).resource_spans:
                self.resources.append(values(part.resource.attributes))
                self.spans += [span for scope in part.scope_spans for span in scope.spans]
            self._news.notify_all()

    def until(self, *names: str) -> list[Span]:
        """All spans, once there is one of each of `names`."""
        return self.until_enough(lambda spans: set(names) <= {span.name for span in spans})

    def until_trace(self, trace_id: str) -> list[Span]:
        """All spans, once there is one of that trace."""
        return self.until_enough(lambda spans: trace_id in {s.trace_id.hex() for s in spans})

    def until_enough(self, is_enough: Callable[[list[Span]], bool]) -> list[Span]:
        """All spans, once they are enough."""
        with self._news:
            came = self._news.wait_for(lambda: is_enough(self.spans), _PATIENCE_S)
            assert came, [span.name for span in self.spans]
            return list(self.spans)


def values(attributes: Any) -> dict[str, Any]:
    """Attributes as a dict."""
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector on a free port, to the end of the block."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            body = self.rfile.read(int(self.headers["Content-Length"]))
            is_packed = self.headers.get("Content-Encoding") == "gzip"
            collector.take(gzip.decompress(body) if is_packed else body)
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.end_headers()
            self.wfile.write(ExportTraceServiceResponse().SerializeToString())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield collector
        server.shutdown()
        thread.join()
