"""The port of the figures serves them to whoever reaches it, and nothing else."""

from socket import create_server

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from functions.server import build
from infra.local.instance import running
from infra.local.ports import free_port
from shared.settings.settings import Settings
from tests.infra.monitoring.playing import Played
from tests.infra.monitoring.scraping import scraped, value
from tests.support import tokens
from tests.support.api import CERTIFICATES


def test_it_needs_no_token_where_the_public_one_does(played: Played) -> None:
    public = httpx.get(f"{played.instance.url}/metrics", verify=CERTIFICATES)
    assert public.status_code == 401
    assert value(scraped(played.metrics_url), "synckairos_build_info") == 1


def test_it_has_nothing_but_figures(played: Played) -> None:
    for path in ("/", "/health", "/v1/time", "/api-docs.json", "/metrics/more"):
        address = f"http://127.0.0.1:{played.metrics_port}{path}"
        assert httpx.get(address, verify=CERTIFICATES).status_code == 404


def test_scrapes_are_no_requests_of_users(played: Played) -> None:
    name = "synckairos_http_requests_total"
    before = value(scraped(played.metrics_url), name)
    assert value(scraped(played.metrics_url), name) == before


def test_it_ends_with_the_instance(redis_url: str) -> None:
    port = free_port()
    with (
        running(redis_url, METRICS_PORT=str(port)) as instance,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", verify=CERTIFICATES) as scraper,
    ):
        assert scraper.get("/metrics").status_code == 200  # and its connection stays open
        instance.process.terminate()
        instance.process.wait(5)


def test_a_port_that_is_taken_is_named() -> None:
    with create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = Settings(redis_url=SecretStr("redis://127.0.0.1:1/0"), metrics_port=port)
        with pytest.raises(SystemExit, match=f"METRICS_PORT {port}: Address already in use"):
            build(settings)


def test_it_is_another_port_than_the_public_one() -> None:
    with pytest.raises(ValidationError, match="METRICS_PORT must differ from PORT"):
        Settings(port=3000, metrics_port=3000)


async def test_in_production_the_public_one_is_closed_without_a_token() -> None:
    settings = Settings(
        app_env="production",
        jwt_secret=SecretStr(tokens.SECRET),
        redis_url=SecretStr("redis://127.0.0.1:1/0"),
        database_url=SecretStr("postgresql://127.0.0.1:1/none"),
    )
    transport = httpx.ASGITransport(build(settings).app)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        assert (await client.get("/metrics")).status_code == 401
