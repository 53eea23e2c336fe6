"""Security headers of answers (OWASP API8: security misconfiguration)."""

from uuid import UUID

import pytest

from tests.support.api import ApiClient, chess

SOURCES = {
    "default-src": {"'none'"},
    "script-src": {"'self'"},
    "style-src": {"'self'"},
    "img-src": {"'self'", "data:"},
    "connect-src": {"'self'"},
    "base-uri": {"'none'"},
    "form-action": {"'none'"},
    "frame-ancestors": {"'none'"},
}
PATHS = [
    "/",
    "/board",
    "/embed",
    "/console/main.js",
    "/console/icons.svg",
    "/clients/js/api.js",
    "/api-docs",
    "/api-docs/start.js",
    "/api-docs/swagger-ui.css",
    "/api-docs.json",
    "/asyncapi.json",
    "/llms.txt",
    "/health",
    "/ready",
    "/v1/time",
    "/nothing/here",
    "/v1/sessions/abc",
    f"/v1/sessions/{UUID(int=1)}",
    f"/v1/sessions/{UUID(int=1)}/events",
]

pytestmark = pytest.mark.http


PAGES = ["/", "/api-docs", "/board", "/embed"]


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_may_load_resources_from_its_own_origin_only(
    api: ApiClient, path: str
) -> None:
    answer = await api.http.get(path)
    directives = [line.split() for line in answer.headers["content-security-policy"].split(";")]
    assert {name: set(sources) for name, *sources in directives} == SOURCES
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert "camera=()" in answer.headers["permissions-policy"]


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_has_no_inline_script_or_style(api: ApiClient, path: str) -> None:
    page = (await api.http.get(path)).text
    assert page.count("<script") == page.count('src="/') > 0
    for part in ("<style", " style=", " onload=", " onclick=", "javascript:", "//"):
        assert part not in page.replace("http://www.w3.org", "")


@pytest.mark.parametrize("path", PATHS)
async def test_answers_forbid_content_type_sniffing(api: ApiClient, path: str) -> None:
    answer = await api.http.get(path)
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
    assert answer.headers["content-type"]


async def test_answers_to_changes_forbid_content_type_sniffing(api: ApiClient) -> None:
    created = await api.create(chess())
    session_id = created.json()["data"]["session_id"]
    refused = await api.http.post("/v1/sessions", content=b"<script>")
    deleted = await api.delete(session_id)
    for answer in (created, refused, deleted):
        assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
