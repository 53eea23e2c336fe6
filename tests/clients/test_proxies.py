"""Proxies in the environment don't break a client that doesn't need them."""

from importlib.util import find_spec

import pytest
from synckairos import SyncKairos

from infra.local.instance import Instance


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "socks4://127.0.0.1:9"])
async def test_a_proxy_that_httpx_cannot_use_is_ignored_if_no_proxy_names_the_service(
    service: Instance, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
    async with SyncKairos(service.url) as client:
        assert (await client.time())["timestamp_ms"] > 0


@pytest.mark.skipif(find_spec("socksio") is not None, reason="httpx can use SOCKS proxies here")
async def test_a_needed_proxy_that_httpx_cannot_use_is_an_error_that_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(ImportError, match="SOCKS proxy"):
        SyncKairos("https://timers.example")
