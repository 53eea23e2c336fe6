"""The form of a webhook's URL."""

import pytest

from shared.application.webhook_urls import MAX_URL_LENGTH, WebhookUrl, parse_url
from shared.domain.errors import RuleViolation


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("https://example.com", ("https", "example.com", 443, "/")),
        (
            "HTTPS://Example.com:8443/a/b?c=d&e=%20",
            ("https", "example.com", 8443, "/a/b?c=d&e=%20"),
        ),
        ("https://[2606:4700::1111]/x", ("https", "2606:4700::1111", 443, "/x")),
    ],
)
def test_urls_are_taken_apart(text: str, parts: tuple[str, str, int, str]) -> None:
    assert parse_url(text, allows_http=False) == WebhookUrl(*parts)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.com",
        "http://example.com",
        "ftp://example.com",
        "https://",
        "https:///path",
        "https://user:password@example.com/",
        "https://example.com@127.0.0.1/",
        "https://example.com\\@127.0.0.1/",
        "https://example.com/#part",
        "https://example.com/a b",
        "https://example.com/\r\nHost: internal",
        "https://example.com:0/",
        "https://example.com:65536/",
        "https://exämple.com/",
        "https://example.com/" + "a" * MAX_URL_LENGTH,
    ],
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(RuleViolation):
        parse_url(text, allows_http=False)


def test_http_is_accepted_only_where_it_is_allowed() -> None:
    assert parse_url("http://localhost:9/x", allows_http=True).port == 9


@pytest.mark.parametrize(
    ("text", "authority"),
    [
        ("https://example.com:443/", "example.com"),
        ("https://example.com:444/", "example.com:444"),
        ("https://[2606:4700::1111]:444/", "[2606:4700::1111]:444"),
    ],
)
def test_the_authority_names_a_port_that_is_not_the_default(text: str, authority: str) -> None:
    assert parse_url(text, allows_http=False).authority == authority
