"""The pipeline's steps for every request: request id, log, metrics, HEAD, gzip and CORS."""

import logging
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from prometheus_client import generate_latest
from starlette.responses import Response, StreamingResponse

from shared.http.pipeline import Pipeline
from shared.http.request import ApiRequest
from shared.http.routing import Routes
from shared.observability.prometheus import PrometheusMetrics

ORIGIN = "https://app.example"

routes = Routes()


@routes.get("/fine")
async def fine(_: ApiRequest) -> Response:
    return Response(b"x" * 2_000, media_type="text/plain")


@routes.get("/parts")
async def components(_: ApiRequest) -> Response:
    """A streamed response."""

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"y" * 100

    return StreamingResponse(pieces(), media_type="text/plain")


@routes.post("/broken")
async def broken(_: ApiRequest) -> Response:
    raise RuntimeError("an internal detail")


@pytest.fixture
def metrics() -> PrometheusMetrics:
    """The metrics that the pipeline counts requests in."""
    return PrometheusMetrics()


@pytest.fixture
async def http(metrics: PrometheusMetrics) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a pipeline with these routes, which allows the origin `ORIGIN`."""
    backend: Any = SimpleNamespace(metrics=metrics)
    transport = httpx.ASGITransport(Pipeline(routes, backend, [ORIGIN]), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        yield client


PREFLIGHT = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "route"),
    [
        ("GET", "/fine", {}, 200, "/fine"),
        ("HEAD", "/fine", {}, 200, "/fine"),
        ("OPTIONS", "/fine", {}, 204, "unmatched"),
        ("OPTIONS", "/fine", PREFLIGHT, 200, "unmatched"),
        ("OPTIONS", "/fine", PREFLIGHT | {"Origin": "https://other.example"}, 400, "unmatched"),
        ("GET", "/nothing", {}, 404, "unmatched"),
        ("PUT", "/fine", {}, 405, "unmatched"),
        ("POST", "/broken", {}, 500, "/broken"),
    ],
)
async def test_every_answer_has_a_request_id_a_log_line_and_a_count(
    http: httpx.AsyncClient,
    metrics: PrometheusMetrics,
    caplog: pytest.LogCaptureFixture,
    method: str,
    path: str,
    headers: dict[str, str],
    status: int,
    route: str,
) -> None:
    caplog.set_level(logging.INFO, "synckairos.http")
    answer = await http.request(method, path, headers=headers | {"X-Request-Id": "mine"})
    assert answer.status_code == status
    assert answer.headers.get_list("x-request-id") == ["mine"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert f"{method} {route} {status}" in caplog.messages
    assert [r.request_id for r in caplog.records if r.levelno == logging.INFO] == ["mine"]  # type: ignore[attr-defined]
    counted = f'requests_total{{method="{method}",route="{route}",status_code="{status}"}} 1.0'
    assert counted in generate_latest(metrics.registry).decode()


async def test_an_internal_error_is_logged_and_not_shown(
    http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await http.post("/broken")
    assert answer.json()["error"]["code"] == "INTERNAL_ERROR"
    assert "an internal detail" not in answer.text
    assert "an internal detail" in caplog.text


@pytest.mark.parametrize("path", ["/fine", "/parts"])
async def test_head_is_answered_like_get_without_the_body(
    http: httpx.AsyncClient, path: str
) -> None:
    plain = {"Accept-Encoding": "identity"}
    get, head = await http.get(path, headers=plain), await http.head(path, headers=plain)
    changing = {"x-request-id"}
    assert head.content == b""
    assert get.content
    assert {k: v for k, v in get.headers.items() if k not in changing} == {
        k: v for k, v in head.headers.items() if k not in changing
    }


@pytest.mark.parametrize("path", ["/fine", "/parts"])
@pytest.mark.parametrize("accepted", ["gzip", "identity", "gzip;q=0"])
async def test_gzip_is_used_only_if_the_client_accepts_it(
    http: httpx.AsyncClient, path: str, accepted: str
) -> None:
    answer = await http.get(path, headers={"Accept-Encoding": accepted})
    assert answer.headers.get("content-encoding") == ("gzip" if accepted == "gzip" else None)
    assert len(answer.content) in (2_000, 4_000)


@pytest.mark.parametrize(("origin", "may_read"), [(ORIGIN, True), ("https://other.example", False)])
@pytest.mark.parametrize("path", ["/fine", "/nothing"])
async def test_only_a_listed_origin_may_read_answers(
    http: httpx.AsyncClient, path: str, origin: str, may_read: bool
) -> None:
    answer = await http.get(path, headers={"Origin": origin})
    assert (answer.headers.get("access-control-allow-origin") == origin) is may_read
    assert "Origin" in answer.headers["vary"]
