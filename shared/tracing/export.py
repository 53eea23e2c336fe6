"""Where spans go: in batches, in the background, to a collector that may be away."""

import logging
import threading
import time
from collections.abc import Sequence

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

_REMINDER_S = 60.0
_FLUSH_S = 2.0

_NOISY = ("opentelemetry.exporter", "opentelemetry.trace")
"""Libraries with a line for each batch that is lost, and for whatever a stranger sends."""

_QUEUE = "opentelemetry.sdk._shared_internal"
"""Where spans wait, and are dropped when there are too many; a line for each."""

_log = logging.getLogger("synckairos.tracing")


class _Seldom(logging.Filter):
    """Lets one line a minute through."""

    _said_at = float("-inf")

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this is the one."""
        if time.monotonic() - self._said_at < _REMINDER_S:
            return False
        self._said_at = time.monotonic()
        return True


class Exporter(SpanExporter):
    """OTLP over HTTP, as the OTEL_* variables ask for; says once a minute at most that it fails."""

    def __init__(self, inner: SpanExporter | None = None) -> None:
        self._inner = inner or OTLPSpanExporter()
        self._said_at = float("-inf")
        self._lost = 0
        for name in _NOISY:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        logging.getLogger(_QUEUE).addFilter(_Seldom())

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send `spans`; those that can't be sent are lost."""
        result = self._inner.export(spans)
        if result is not SpanExportResult.SUCCESS:
            self._tell(len(spans))
        return result

    def shutdown(self) -> None:
        """Give up what is being tried."""
        self._inner.shutdown()

    def _tell(self, lost: int) -> None:
        self._lost += lost
        if time.monotonic() - self._said_at < _REMINDER_S:
            return
        _log.warning("the collector doesn't take our spans; at least %d are lost", self._lost)
        self._said_at, self._lost = time.monotonic(), 0


def provider(version: str, machine: str) -> TracerProvider:
    """What makes spans and has them sent; OTEL_* variables go before what is said here."""
    ours = {
        "service.name": "synckairos",
        "service.version": version,
        "service.instance.id": machine,
    }
    resource = Resource.create(ours).merge(OTELResourceDetector().detect())
    made = TracerProvider(resource=resource, shutdown_on_exit=False)
    made.add_span_processor(BatchSpanProcessor(Exporter()))
    return made


def finish(made: TracerProvider) -> None:
    """Send what is left, within 2 s."""
    flush = threading.Thread(target=made.shutdown, daemon=True)
    flush.start()
    flush.join(_FLUSH_S)
