"""Where no tokens are asked for, a page of another origin can change nothing and follow nothing."""

from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from tests.support.api import ApiClient, api_client, chess, error_of
from tests.support.target import IS_FUNCTIONS, pairs, running_service

pytestmark = pytest.mark.http

LISTED = "https://app.example"
_FOREIGN = "https://evil.example"


@pytest.fixture(scope="module")
def listing_url(redis_url: str) -> Iterator[str]:
    """Where a service is that lists one origin, behind one proxy."""
    with running_service(redis_url, CORS_ORIGINS=LISTED, TRUSTED_PROXY_HOPS="1") as url:
        yield url


@pytest.fixture
async def listing(listing_url: str) -> AsyncIterator[ApiClient]:
    """A client of it."""
    async with api_client(listing_url) as api:
        yield api


def own_origin(api: ApiClient) -> str:
    """The origin of the service's own page."""
    return f"http://{urlsplit(str(api.http.base_url)).netloc}"


FOREIGN_PAGES: dict[str, dict[str, str]] = {
    "another origin": {"Origin": _FOREIGN},
    "another port": {"Origin": "http://127.0.0.1:1"},
    "another port, as the browser says": {
        "Origin": "http://localhost:5173",
        "Sec-Fetch-Site": "same-site",
    },
    "a sandbox": {"Origin": "null"},
    "a sandbox, as the browser says": {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
    "no origin, but another site": {"Sec-Fetch-Site": "cross-site"},
    "no origin, but the same site": {"Sec-Fetch-Site": "same-site"},
    "an origin that begins like ours": {"Origin": "http://127.0.0.1.evil.example"},
}

CHANGES: list[tuple[str, str, Any]] = [
    ("POST", "", None),
    ("POST", "/{id}/switch", None),
    ("POST", "/{id}/switch", {}),
    ("POST", "/{id}/pause", None),
    ("POST", "/{id}/complete", None),
    ("POST", "/{id}/cancel", None),
    ("DELETE", "/{id}", None),
    ("POST", "/{id}/participants", None),
    ("PATCH", "/{id}/participants/{id}", None),
]


@pytest.mark.parametrize(("page", "change"), pairs(FOREIGN_PAGES, CHANGES))
async def test_a_foreign_page_changes_nothing(
    api: ApiClient, page: str, change: tuple[str, str, Any]
) -> None:
    method, path, body = change
    session_id = await api.started(chess())
    address = f"/v1/sessions{path.format(id=session_id)}"
    headers = FOREIGN_PAGES[page]
    answer = await api.http.request(method, address, json=body, headers=headers)
    assert error_of(answer) == (403, "FORBIDDEN")
    assert "CORS_ORIGINS" in answer.json()["error"]["message"]
    assert "evil" not in answer.text
    assert (await api.session(session_id))["version"] == 2


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", None])
async def test_a_form_of_a_foreign_page_switches_nothing(api: ApiClient, kind: str | None) -> None:
    session_id = await api.started(chess())
    headers = {"Origin": _FOREIGN} | ({"Content-Type": kind} if kind else {})
    for content in (b"", b"{}"):
        answer = await api.http.post(
            f"/v1/sessions/{session_id}/switch", content=content, headers=headers
        )
        assert answer.status_code == 403
    assert (await api.session(session_id))["version"] == 2


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
        {"Sec-Fetch-Site": "none"},
    ],
)
async def test_backends_and_our_own_page_may_change(
    api: ApiClient, headers: dict[str, str]
) -> None:
    session_id = await api.started(chess())
    assert (await api.do(session_id, "switch", headers=headers)).status_code == 200
    same = headers | ({"Origin": own_origin(api)} if "Origin" not in headers else {})
    assert (await api.do(session_id, "switch", headers=same)).status_code == 200


async def test_the_scheme_of_our_own_origin_is_the_proxys_matter(api: ApiClient) -> None:
    session_id = await api.started(chess())
    headers = {"Origin": own_origin(api).replace("http", "https")}
    assert (await api.do(session_id, "switch", headers=headers)).status_code == 200


async def test_a_foreign_page_may_ask_but_not_read(api: ApiClient) -> None:
    session_id = await api.started(chess())
    answer = await api.get(session_id, {"Origin": _FOREIGN, "Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("site", ["cross-site", None])
async def test_a_listed_page_may_change_and_no_other(listing: ApiClient, site: str | None) -> None:
    session_id = await listing.started(chess())
    told = {"Sec-Fetch-Site": site} if site else {}
    listed = await listing.do(session_id, "switch", headers={"Origin": LISTED, **told})
    other = await listing.do(session_id, "switch", headers={"Origin": _FOREIGN, **told})
    assert (listed.status_code, other.status_code) == (200, 403)


async def test_our_origin_is_the_host_that_our_proxy_was_asked_for(listing: ApiClient) -> None:
    session_id = await listing.started(chess())
    public = {"Origin": "https://public.example", "X-Forwarded-Host": "made.up, public.example"}
    made_up = {"Origin": "https://made.up", "X-Forwarded-Host": "made.up, public.example"}
    answers = [await listing.do(session_id, "switch", headers=h) for h in (public, made_up)]
    assert [answer.status_code for answer in answers] == [200, 403]


async def test_no_proxy_that_is_not_ours_says_what_our_origin_is(api: ApiClient) -> None:
    session_id = await api.started(chess())
    headers = {"Origin": _FOREIGN, "X-Forwarded-Host": "evil.example"}
    assert (await api.do(session_id, "switch", headers=headers)).status_code == 403


async def test_where_tokens_are_asked_for_the_token_decides(guarded: ApiClient) -> None:
    session_id = await guarded.started(chess())
    headers = {"Origin": _FOREIGN, "Sec-Fetch-Site": "cross-site"}
    assert (await guarded.do(session_id, "switch", headers=headers)).status_code == 200


@pytest.mark.skipif(IS_FUNCTIONS, reason="a function listens nowhere, so it has no local name")
@pytest.mark.parametrize("host", ["evil.example", "evil.example:3000", "127.0.0.1.evil.example"])
async def test_an_instance_on_this_machine_alone_serves_no_browser_under_a_foreign_name(
    api: ApiClient, host: str
) -> None:
    session_id = await api.started(chess())
    page = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
    changed = await api.do(session_id, "switch", headers=page)
    read = await api.get(session_id, {"Host": host, "User-Agent": "Mozilla/5.0 (X11)"})
    assert error_of(changed) == error_of(read) == (403, "FORBIDDEN")
    assert (await api.session(session_id))["version"] == 2


@pytest.mark.skipif(IS_FUNCTIONS, reason="a function listens nowhere, so it has no local name")
async def test_a_client_that_is_no_browser_may_use_any_name(api: ApiClient) -> None:
    session_id = await api.started(chess())
    assert (await api.get(session_id, {"Host": "x"})).status_code == 200
    assert (await api.do(session_id, "switch", headers={"Host": "x"})).status_code == 200


@pytest.mark.skipif(IS_FUNCTIONS, reason="a function listens nowhere, so it has no local name")
@pytest.mark.parametrize("host", ["localhost", "localhost:9", "a.localhost", "[::1]:9", "10.0.0.1"])
async def test_localhost_and_addresses_are_no_foreign_names(api: ApiClient, host: str) -> None:
    assert (await api.get(str(uuid4()), {"Host": host})).status_code == 404


@pytest.mark.skipif(IS_FUNCTIONS, reason="functions hold no event streams")
async def test_a_foreign_page_follows_no_stream(api: ApiClient) -> None:
    path = f"/v1/sessions/{await api.created(chess())}/stream"
    refused = await api.http.get(path, headers={"Origin": _FOREIGN})
    assert error_of(refused) == (403, "FORBIDDEN")
    async with api.http.stream("GET", path) as answer:
        assert answer.status_code == 200
