"""The service's URL, which a client checks when it is made."""

from typing import Any

import pytest
from synckairos import SyncKairos
from synckairos.service_url import service_url


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "such as https://.*, not ''"),
        (None, "not None"),
        ("/sync", "not '/sync'"),
        ("timers.example", "not 'timers.example'"),
        ("localhost:3000", "not 'localhost:3000'"),
        ("ws://timers.example", "not 'ws:"),
        ("https://", "not 'https://'"),
        ("https://timers.example:port", "not 'https:"),
        ("https://a:b@timers.example", "password"),
        ("https://timers.example?x=1", "query"),
        ("https://timers.example/#x", "fragment"),
    ],
)
def test_a_client_cannot_be_made_with_a_wrong_url(url: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        SyncKairos(url)


def test_a_url_may_have_a_port_and_a_path() -> None:
    assert service_url("http://127.0.0.1:3000/") == "http://127.0.0.1:3000"
    assert service_url("https://timers.example/sync/") == "https://timers.example/sync"
