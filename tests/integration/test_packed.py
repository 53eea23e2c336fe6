"""Static documents are read and compressed once (RFC 9110 sections 8.4 and 12.5.5)."""

import gzip
import hashlib
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from starlette.responses import Response

from shared.http.pipeline import Pipeline
from shared.http.prepared_documents import PreparedDocument
from shared.http.request import ApiRequest
from shared.http.routing import Route
from shared.http.static_documents import CachedStaticFiles, file_response
from shared.observability.prometheus import PrometheusMetrics
from tests.support.api import ApiClient

_GZIP = {"Accept-Encoding": "gzip"}
_PLAIN = {"Accept-Encoding": "identity"}


@pytest.mark.http
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/console/main.js",
        "/console/console.css",
        "/clients/js/session-clocks.js",
        "/api-docs.json",
        "/api-docs/swagger-ui-bundle.js",
    ],
)
async def test_a_document_is_the_same_with_gzip_and_without(api: ApiClient, path: str) -> None:
    plain = await api.http.get(path, headers=_PLAIN)
    packed = await api.http.get(path, headers=_GZIP)
    assert plain.status_code == packed.status_code == 200
    assert plain.content == packed.content
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert plain.headers["vary"] == packed.headers["vary"] == "Accept-Encoding"
    assert plain.headers["content-type"] == packed.headers["content-type"]
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"])


@pytest.fixture
def compressions(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the data that were compressed, in bytes."""
    sizes: list[int] = []

    compress = gzip.compress

    def recording(data: bytes, *level: Any, **more: Any) -> bytes:
        sizes.append(len(data))
        return compress(data, *level, **more)

    monkeypatch.setattr(gzip, "compress", recording)
    return sizes


def _client(*routes: Route) -> httpx.AsyncClient:
    """Return a client of a pipeline whose routes need no store."""
    components: Any = SimpleNamespace(metrics=PrometheusMetrics())
    transport = httpx.ASGITransport(Pipeline(routes, components, cors_origins=[]))
    return httpx.AsyncClient(transport=transport, base_url="http://service")


def _files_of(folder: Path) -> Route:
    files = CachedStaticFiles(directory=folder)

    async def serve(call: ApiRequest) -> Response:
        return await files.at(call.path_params["rest"], call.scope)

    return Route("GET", "/{rest}", serve)


async def test_a_file_is_compressed_once_until_it_changes(
    tmp_path: Path, compressions: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "starlette.middleware.gzip.GZipResponder._compress_body",
        lambda *_: pytest.fail("compressed again"),
    )
    file = tmp_path / "page.js"
    file.write_text("first " * 1_000)
    async with _client(_files_of(tmp_path)) as http:
        answers = [await http.get("/page.js", headers=_GZIP) for _ in range(3)]
        assert {a.text for a in answers} == {"first " * 1_000}
        assert len(compressions) == 1
        file.write_text("second " * 1_000)
        os.utime(file, (1, 1))
        assert (await http.get("/page.js", headers=_GZIP)).text == "second " * 1_000
        assert len(compressions) == 2
        etag = (await http.get("/page.js")).headers["etag"]
        known = await http.get("/page.js", headers=_GZIP | {"If-None-Match": etag})
        assert (known.status_code, known.content) == (304, b"")
        wanted = {"Range": "bytes=0-5", "Accept-Encoding": "identity"}
        part = await http.get("/page.js", headers=wanted)
        assert (part.status_code, part.text) == (206, "second")
        whole = await http.get("/page.js", headers=wanted | _GZIP)
        assert (whole.status_code, whole.text) == (200, "second " * 1_000)
        assert {answer.headers["vary"] for answer in (known, part)} == {"Accept-Encoding"}


async def test_a_file_named_with_its_version_is_kept_for_a_year(tmp_path: Path) -> None:
    (tmp_path / "page.js").write_text("content")
    version = hashlib.sha256(b"content").hexdigest()[:16]
    async with _client(_files_of(tmp_path)) as http:
        named = await http.get(f"/page.js?v={version}")
        known = await http.get(f"/page.js?v={version}", headers={"If-None-Match": f'"{version}"'})
        other = await http.get("/page.js?v=0123456789abcdef")
        plain = await http.get("/page.js")
    assert {answer.text for answer in (named, other, plain)} == {"content"}
    assert (known.status_code, known.content) == (304, b"")
    for answer in (named, known):
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    for answer in (other, plain):
        assert answer.headers["cache-control"] == "no-cache"


async def test_a_page_is_not_kept_even_if_its_address_names_its_version(tmp_path: Path) -> None:
    """Its headers depend on settings, such as who may frame it, and it names other files."""
    (tmp_path / "page.html").write_text("content")

    async def page(call: ApiRequest) -> Response:
        return await file_response(call, tmp_path / "page.html")

    version = hashlib.sha256(b"content").hexdigest()[:16]
    async with _client(Route("GET", "/", page)) as http:
        first = await http.get(f"/?v={version}")
        known = await http.get(f"/?v={version}", headers={"If-None-Match": f'"{version}"'})
    assert (first.status_code, known.status_code) == (200, 304)
    assert {answer.headers["cache-control"] for answer in (first, known)} == {"no-cache"}


async def test_files_of_the_same_date_and_length_have_different_etags(tmp_path: Path) -> None:
    """In packages, all files have the same date."""
    for name, text in (("old.js", "one"), ("new.js", "two")):
        (tmp_path / name).write_text(text)
        os.utime(tmp_path / name, (1, 1))
    async with _client(_files_of(tmp_path)) as http:
        old = await http.get("/old.js")
        new = await http.get("/new.js", headers={"If-None-Match": old.headers["etag"]})
    assert (new.status_code, new.text) == (200, "two")


async def test_a_prepared_document_is_made_and_compressed_once(
    compressions: list[int], tmp_path: Path
) -> None:
    made: list[bytes] = []

    def make() -> bytes:
        made.append(b"[" + b"1," * 1_000 + b"1]")
        return made[-1]

    document = PreparedDocument("figures.json", make)
    async with _client(document.route(tmp_path)) as http:
        answers = [await http.get("/figures.json", headers=_GZIP) for _ in range(3)]
    assert {answer.content for answer in answers} == set(made)
    assert (len(made), len(compressions)) == (1, 1)


async def test_a_document_that_a_build_has_written_is_not_made_again(tmp_path: Path) -> None:
    PreparedDocument("figures.json", lambda: b"[1]").write(tmp_path)
    async with _client(PreparedDocument("figures.json", lambda: b"[2]").route(tmp_path)) as http:
        assert (await http.get("/figures.json")).json() == [1]
