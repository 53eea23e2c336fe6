"""Without a collector tracing loads nothing; an unavailable collector harms no request."""

import logging
import subprocess
import sys
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from pydantic import ValidationError

from infra.local.instance import environment_without_databases, running
from infra.local.no_auth_settings import NO_AUTH_SETTINGS
from infra.local.ports import free_port
from shared.observability.tracing.export import LoggingSpanExporter
from shared.settings.settings import Settings
from tests.infra.monitoring.collector import running_collector
from tests.support.api import CERTIFICATES, api_client, chess

_BUILD = """\
import sys
from functions.server import build
from shared.settings.settings import read_settings
build(read_settings())
print(*(name for name in sys.modules if name.startswith({prefixes})))
"""
_TRACING = ("shared.observability.tracing", "opentelemetry.sdk.trace", "opentelemetry.exporter")
"""Other libraries load the rest of OpenTelemetry."""

_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


def loaded_modules(**settings: str) -> set[str]:
    """Return the tracing modules that a service with these settings loads."""
    env = (
        environment_without_databases()
        | NO_AUTH_SETTINGS
        | {"REDIS_URL": "redis://127.0.0.1:1/0"}
        | settings
    )
    code = _BUILD.format(prefixes=_TRACING)
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, check=True)
    return set(done.stdout.decode().split())


def test_without_a_collector_no_tracing_module_is_loaded() -> None:
    assert loaded_modules() == set()
    assert "opentelemetry.sdk.trace" in loaded_modules(**{_ENDPOINT: "http://127.0.0.1:1"})


@pytest.mark.parametrize("endpoint", ["localhost:4318", "grpc://collector:4317"])
def test_an_endpoint_must_be_an_http_url(endpoint: str) -> None:
    with pytest.raises(ValidationError, match="must begin with http:// or https://"):
        Settings(otel_exporter_otlp_endpoint=endpoint)


async def test_an_unavailable_collector_fails_no_request_and_delays_no_shutdown(
    redis_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    settings: Any = {
        _ENDPOINT: f"http://127.0.0.1:{free_port()}",
        "OTEL_BSP_SCHEDULE_DELAY": "20",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "120",
    }
    with running(redis_url, **settings) as instance:
        async with api_client(instance.url) as api:
            session_id = await api.started(chess())
            for _ in range(50):
                assert (await api.get(session_id)).status_code == 200
        instance.process.terminate()
        instance.process.wait(30)  # the exporter alone would retry for two minutes
    lines = capfd.readouterr().err.splitlines()
    assert [line for line in lines if "opentelemetry" in line] == []
    assert len([line for line in lines if "synckairos.tracing" in line]) <= 1


def test_log_lines_have_trace_ids_and_a_shutdown_sends_the_last_spans(
    own_redis_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """On a shared Redis the instance would also apply timeouts of other tests' sessions."""
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{trace_id}-b7ad6b7169203331-01"}
    with running_collector() as collector:
        slow_batches: Any = {_ENDPOINT: collector.url, "OTEL_BSP_SCHEDULE_DELAY": "60000"}
        with running(own_redis_url, LOG_LEVEL="INFO", **slow_batches) as instance:
            httpx.get(f"{instance.url}/v1/time", headers=headers, verify=CERTIFICATES)
            httpx.get(f"{instance.url}/health", verify=CERTIFICATES)
            assert collector.spans == []
        assert [span.name for span in collector.spans] == ["GET /v1/time"]
    lines = capfd.readouterr().err.splitlines()
    (traced,) = (line for line in lines if "trace_id" in line)
    assert f'"trace_id":"{trace_id}"' in traced
    assert "GET /v1/time 200" in traced


class _FailingExporter(SpanExporter):
    def export(self, spans: object) -> SpanExportResult:
        return SpanExportResult.FAILURE


def test_lost_spans_are_logged_at_most_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    exporter = LoggingSpanExporter(_FailingExporter())
    with caplog.at_level(logging.WARNING):
        for _ in range(100):
            exporter.export([ReadableSpan("one"), ReadableSpan("two")])
    assert [record.getMessage() for record in caplog.records] == [
        "could not send spans to the collector; at least 2 are lost"
    ]
