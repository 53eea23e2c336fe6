"""The metrics port serves metrics without a token, and nothing else."""

from socket import create_server

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from functions.server import build
from infra.local.instance import running
from infra.local.ports import free_port
from shared.settings.settings import Settings
from tests.infra.monitoring.playing import MonitoredInstance
from tests.infra.monitoring.scraping import metric_value, scrape
from tests.support import tokens
from tests.support.api import CERTIFICATES


def test_the_metrics_port_needs_no_token_and_the_public_port_does(
    monitored: MonitoredInstance,
) -> None:
    public = httpx.get(f"{monitored.instance.url}/metrics", verify=CERTIFICATES)
    assert public.status_code == 401
    assert metric_value(scrape(monitored.metrics_url), "synckairos_build_info") == 1


def test_the_metrics_port_serves_only_metrics(monitored: MonitoredInstance) -> None:
    for path in ("/", "/health", "/v1/time", "/api-docs.json", "/metrics/more"):
        address = f"http://127.0.0.1:{monitored.metrics_port}{path}"
        assert httpx.get(address, verify=CERTIFICATES).status_code == 404


def test_scrapes_are_not_counted_as_requests(monitored: MonitoredInstance) -> None:
    name = "synckairos_http_requests_total"
    before = metric_value(scrape(monitored.metrics_url), name)
    assert metric_value(scrape(monitored.metrics_url), name) == before


def test_an_open_scrape_connection_does_not_delay_the_shutdown(redis_url: str) -> None:
    port = free_port()
    with (
        running(redis_url, METRICS_PORT=str(port)) as instance,
        httpx.Client(
            base_url=f"http://127.0.0.1:{port}", verify=CERTIFICATES, timeout=30
        ) as scraper,
    ):
        assert scraper.get("/metrics").status_code == 200  # its connection stays open
        instance.process.terminate()
        instance.process.wait(5)


def test_a_metrics_port_in_use_is_named() -> None:
    with create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = Settings(redis_url=SecretStr("redis://127.0.0.1:1/0"), metrics_port=port)
        with pytest.raises(SystemExit, match=f"METRICS_PORT {port}: Address already in use"):
            build(settings)


def test_the_metrics_port_must_differ_from_the_public_port() -> None:
    with pytest.raises(ValidationError, match="METRICS_PORT must differ from PORT"):
        Settings(port=3000, metrics_port=3000)


async def test_in_production_public_metrics_need_a_token() -> None:
    settings = Settings(
        app_env="production",
        jwt_secret=SecretStr(tokens.SECRET),
        redis_url=SecretStr("redis://127.0.0.1:1/0"),
        database_url=SecretStr("postgresql://127.0.0.1:1/none"),
    )
    transport = httpx.ASGITransport(build(settings).app)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        assert (await client.get("/metrics")).status_code == 401
