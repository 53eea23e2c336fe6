"""An OpenTelemetry collector for tests: receives traces over OTLP/HTTP and keeps the spans."""

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

_TIMEOUT_S = 30.0


@dataclass
class Collector:
    """The traces received so far."""

    url: str = ""
    spans: list[Span] = field(default_factory=list)
    resources: list[dict[str, Any]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    _condition: threading.Condition = field(default_factory=threading.Condition)

    def add_request(self, body: bytes) -> None:
        """Store the spans of one export request."""
        with self._condition:
            self.raw.append(body)
            for part in ExportTraceServiceRequest.FromString(body).resource_spans:
                self.resources.append(attribute_values(part.resource.attributes))
                self.spans += [span for scope in part.scope_spans for span in scope.spans]
            self._condition.notify_all()

    def wait_for_names(self, *names: str) -> list[Span]:
        """Wait for a span of each of `names`, and return all spans."""
        return self.wait_until(lambda spans: set(names) <= {span.name for span in spans})

    def wait_for_trace(self, trace_id: str) -> list[Span]:
        """Wait for a span of the trace, and return all spans."""
        return self.wait_until(lambda spans: trace_id in {s.trace_id.hex() for s in spans})

    def wait_until(self, is_enough: Callable[[list[Span]], bool]) -> list[Span]:
        """Wait until `is_enough` accepts the spans, at most 10 s, and return them."""
        with self._condition:
            is_met = self._condition.wait_for(lambda: is_enough(self.spans), _TIMEOUT_S)
            assert is_met, [span.name for span in self.spans]
            return list(self.spans)


def attribute_values(attributes: Any) -> dict[str, Any]:
    """Convert OTLP attributes to a dict."""
    return {
        attribute.key: getattr(attribute.value, attribute.value.WhichOneof("value"))
        for attribute in attributes
    }


@contextmanager
def running_collector() -> Iterator[Collector]:
    """Run a collector on a free port until the end of the block."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            body = self.rfile.read(int(self.headers["Content-Length"]))
            is_packed = self.headers.get("Content-Encoding") == "gzip"
            collector.add_request(gzip.decompress(body) if is_packed else body)
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.end_headers()
            self.wfile.write(ExportTraceServiceResponse().SerializeToString())

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield collector
        server.shutdown()
        thread.join()
