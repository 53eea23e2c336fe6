"""Traces have the spans of requests and workers, continue a caller's trace, and hold no token."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from infra.local.instance import Instance, running
from infra.local.postgres import EmbeddedPostgres
from infra.local.redis import embedded_redis
from tests.infra.monitoring.collector import Collector, attribute_values, running_collector
from tests.support import tokens
from tests.support.api import api_client, chess, participant
from tests.support.live import connect_live
from tests.support.tokens import WITH_AUTHENTICATION

_SWITCH = "POST /v1/sessions/{session_id}/switch"
_TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
_PARENT_ID = "b7ad6b7169203331"


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with running_collector() as collector:
        yield collector


@pytest.fixture(scope="module")
def instance(collector: Collector, postgres: EmbeddedPostgres) -> Iterator[Instance]:
    """An instance that sends its spans to the collector."""
    settings: Any = {
        **WITH_AUTHENTICATION,
        "RECOVERY": "off",  # Postgres has sessions of other tests; they would be restored here
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_RESOURCE_ATTRIBUTES": "stage=test",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    with (
        embedded_redis() as url,
        running(url, DATABASE_URL=postgres.url, **settings) as started,
    ):
        yield started


def traceparent(trace_id: str) -> dict[str, str]:
    """Return the header of a caller that has a trace."""
    return {"traceparent": f"00-{trace_id}-{_PARENT_ID}-01"}


def children(spans: list[Span], parent: Span) -> list[Span]:
    """Return the direct children of `parent`, by start time."""
    below = [span for span in spans if span.parent_span_id == parent.span_id]
    return sorted(below, key=lambda span: span.start_time_unix_nano)


def of_session(spans: list[Span], name: str, session_id: str) -> Span:
    """Return the only span of that name for that session."""
    (found,) = (
        span
        for span in spans
        if span.name == name
        and attribute_values(span.attributes)["synckairos.session_id"] == session_id
    )
    return found


async def test_a_switch_has_a_request_span_with_a_load_and_a_commit(
    instance: Instance, collector: Collector
) -> None:
    async with api_client(instance.url, tokens.host()) as api:
        session_id = await api.started(chess())
        assert (await api.do(session_id, "switch")).status_code == 200
    spans = await asyncio.to_thread(collector.wait_for_names, _SWITCH)
    request = of_session(spans, _SWITCH, session_id)
    assert request.kind == Span.SPAN_KIND_SERVER
    assert attribute_values(request.attributes) == {
        "http.request.method": "POST",
        "http.route": "/v1/sessions/{session_id}/switch",
        "http.response.status_code": 200,
        "url.scheme": "http",
        "url.path": f"/v1/sessions/{session_id}/switch",
        "synckairos.session_id": session_id,
    }
    below = children(spans, request)
    assert [span.name for span in below] == ["load", "commit"]
    assert {span.trace_id for span in below} == {request.trace_id}
    assert request.start_time_unix_nano <= below[0].start_time_unix_nano
    assert below[1].end_time_unix_nano <= request.end_time_unix_nano


async def test_a_switch_with_if_match_has_the_same_spans(
    instance: Instance, collector: Collector
) -> None:
    async with api_client(instance.url, tokens.host()) as api:
        session_id = await api.started(chess())
        await api.do(session_id, "switch", headers={"If-Match": '"2"', **traceparent("3" * 32)})
    spans = await asyncio.to_thread(collector.wait_for_trace, "3" * 32)
    below = children(spans, of_session(spans, _SWITCH, session_id))
    assert [span.name for span in below] == ["load", "commit"]


async def test_a_request_belongs_to_the_trace_of_its_caller(
    instance: Instance, collector: Collector
) -> None:
    async with api_client(instance.url, tokens.host()) as api:
        assert (await api.http.get("/v1/time", headers=traceparent(_TRACE_ID))).status_code == 200
    spans = await asyncio.to_thread(collector.wait_for_trace, _TRACE_ID)
    (request,) = (span for span in spans if span.trace_id.hex() == _TRACE_ID)
    assert request.name == "GET /v1/time"
    assert request.parent_span_id.hex() == _PARENT_ID


async def test_workers_have_root_spans_and_idle_loops_have_none(
    instance: Instance, collector: Collector
) -> None:
    async with api_client(instance.url, tokens.host()) as api:
        session_id = await api.created(chess(participants=[participant(1_000), participant(1_000)]))
        async with connect_live(instance, session_id, f"&token={tokens.host()}") as follower:
            await api.do(session_id, "start")
            await follower.until_type("TIME_EXPIRED")
    spans = await asyncio.to_thread(collector.wait_for_names, "expiry wake", "audit batch")
    wake = of_session(spans, "expiry wake", session_id)
    assert [span.name for span in children(spans, wake)][:2] == ["load", "commit"]
    batch = next(span for span in spans if span.name == "audit batch")
    assert attribute_values(batch.attributes)["synckairos.entries"] >= 1
    roots = {span.name for span in spans if not span.parent_span_id}
    assert {name for name in roots if " /" not in name} == {"expiry wake", "audit batch"}


async def test_traces_contain_no_token_and_no_query(
    instance: Instance, collector: Collector
) -> None:
    token = tokens.host()
    async with api_client(instance.url, token) as api:
        session_id = await api.created(chess())
        path = f"/v1/sessions/{session_id}/stream?token={token}&sync=1"
        async with api.http.stream("GET", path) as answer:
            assert answer.status_code == 200
            stream = "GET /v1/sessions/{session_id}/stream"
            await asyncio.to_thread(collector.wait_for_names, stream)  # while it is still open
        assert (await api.http.get(f"/nowhere/{token}?token={token}")).status_code == 404
        await api.http.get(f"/v1/time?token={token}")
    await asyncio.to_thread(collector.wait_for_names, "GET", "GET /v1/time")
    sent = b"".join(collector.raw)
    assert session_id.encode() in sent
    assert token.split(".")[2].encode() not in sent
    assert b"token=" not in sent


async def test_health_checks_have_no_traces(instance: Instance, collector: Collector) -> None:
    async with api_client(instance.url, tokens.host()) as api:
        for path in ("/health", "/ready", "/metrics"):
            assert (await api.http.get(path)).status_code == 200
        await api.http.get("/v1/time", headers=traceparent("1" * 32))
    spans = await asyncio.to_thread(collector.wait_for_trace, "1" * 32)
    paths = {str(attribute_values(span.attributes).get("url.path")) for span in spans}
    assert not paths & {"/health", "/ready", "/metrics"}


def test_traces_name_the_service_and_the_stage(instance: Instance, collector: Collector) -> None:
    httpx.get(f"{instance.url}/v1/time")
    collector.wait_for_names("GET /v1/time")
    resource = collector.resources[0]
    assert resource["service.name"] == "synckairos"
    assert resource["stage"] == "test"
