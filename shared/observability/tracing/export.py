"""Export of spans: in batches, in the background, to a collector that may be unavailable."""

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
"""Loggers that write a line for each lost batch, and for each malformed header of a client."""

_QUEUE = "opentelemetry.sdk._shared_internal"
"""Logger of the span queue, which writes a line for each span that a full queue drops."""

_log = logging.getLogger("synckairos.tracing")


class _OncePerMinute(logging.Filter):
    """Lets one record a minute through."""

    _logged_at = float("-inf")

    def filter(self, record: logging.LogRecord | None = None) -> bool:
        if time.monotonic() - self._logged_at < _REMINDER_S:
            return False
        self._logged_at = time.monotonic()
        return True


class LoggingSpanExporter(SpanExporter):
    """OTLP over HTTP, configured by the OTEL_* variables; logs failures at most once a minute."""

    def __init__(self, inner: SpanExporter | None = None) -> None:
        self._inner = inner or OTLPSpanExporter()
        self._once_per_minute = _OncePerMinute()
        self._lost = 0
        for name in _NOISY:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        logging.getLogger(_QUEUE).addFilter(_OncePerMinute())

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send `spans`; spans that can't be sent are lost."""
        result = self._inner.export(spans)
        if result is not SpanExportResult.SUCCESS:
            self._lost += len(spans)
            if self._once_per_minute.filter():
                _log.warning(
                    "could not send spans to the collector; at least %d are lost", self._lost
                )
                self._lost = 0
        return result

    def shutdown(self) -> None:
        """Abort pending exports."""
        self._inner.shutdown()


def tracer_provider(version: str, machine: str) -> TracerProvider:
    """Return a provider that exports its spans; OTEL_* variables override these attributes."""
    attributes = {
        "service.name": "synckairos",
        "service.version": version,
        "service.instance.id": machine,
    }
    resource = Resource.create(attributes).merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(LoggingSpanExporter()))
    return provider


def shut_down(provider: TracerProvider) -> None:
    """Send the remaining spans, within 2 s."""
    flush = threading.Thread(target=provider.shutdown, daemon=True)
    flush.start()
    flush.join(_FLUSH_S)
