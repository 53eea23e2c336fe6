"""Static documents, read and compressed once per process in a worker thread."""

import gzip
import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.staticfiles import NotModifiedResponse, StaticFiles
from starlette.types import Scope

from shared.application.errors import EndpointNotFound
from shared.http.compression import GZIP_LEVEL, MIN_COMPRESSED_BYTES, wants_gzip

_MAX_CACHED_FILES: Final = 256
_VERSION_LENGTH: Final = 16
_A_YEAR: Final = "public, max-age=31536000, immutable"
_VARIES: Final = {"vary": "Accept-Encoding"}
"""A header of each answer, also of a 304 (RFC 9110 section 15.4.5) and of a part of a file."""


@dataclass(frozen=True, slots=True)
class CompressedBody:
    """A body, its gzip form (None if that is not smaller), and its version.

    The version is the start of the SHA-256 in hex; infra/console/build.mjs calculates it, too.
    """

    plain: bytes
    compressed: bytes | None
    version: str

    @classmethod
    def of(cls, plain: bytes) -> "CompressedBody":
        """Compress `plain`; takes about 30 ms for 1 MB."""
        version = hashlib.sha256(plain).hexdigest()[:_VERSION_LENGTH]
        if len(plain) < MIN_COMPRESSED_BYTES:
            return cls(plain, None, version)
        packed = gzip.compress(plain, GZIP_LEVEL, mtime=0)
        return cls(plain, packed if len(packed) < len(plain) else None, version)

    def response(self, request: Request, headers: Mapping[str, str]) -> Response:
        """Return a response with `headers`, compressed if the client accepts gzip."""
        fields = {**headers, **_VARIES}
        fields.pop("content-length", None)
        compressed = self.compressed_for(request)
        if compressed is None:
            return Response(self.plain, headers=fields)
        return Response(compressed, headers=fields | {"Content-Encoding": "gzip"})

    def compressed_for(self, request: Request) -> bytes | None:
        """Return the gzip form if there is one and the client accepts it."""
        return self.compressed if wants_gzip(request.headers.get("accept-encoding")) else None


class LazyDocument:
    """A document that `make` creates in a worker thread at the first request."""

    def __init__(self, make: Callable[[], bytes]) -> None:
        self._make = make
        self._made: CompressedBody | None = None

    async def response(self, request: Request, headers: Mapping[str, str]) -> Response:
        if self._made is None:
            self._made = await anyio.to_thread.run_sync(lambda: CompressedBody.of(self._make()))
        return self._made.response(request, headers)


class CachedStaticFiles(StaticFiles):
    """`StaticFiles` that keeps files in memory, compressed, until they change on disk."""

    async def at(self, path: str, scope: Scope) -> Response:
        """Return the file at `path`, or 304 if the client has it. Raises `EndpointNotFound`."""
        try:
            response = await self.get_response(path, scope)
        except HTTPException:
            raise EndpointNotFound from None
        assert isinstance(response, FileResponse)
        return await _cached_response(response, Request(scope), is_kept_if_named=True)

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> FileResponse:
        """Return the file without checking conditions, which need the version of its content."""
        return FileResponse(full_path, status_code, stat_result=stat_result)


async def file_response(
    request: Request, path: Path, headers: Mapping[str, str] | None = None
) -> Response:
    """Return the file at `path`, or 304 if the client has it (RFC 9110 section 13.1).

    `headers` are added to the file's `ETag` and `Last-Modified`. Both `headers` and the page may
    change while the address stays, so clients must ask again even if it names the file's version.
    """
    found = FileResponse(path, stat_result=path.stat())
    response = await _cached_response(found, request, is_kept_if_named=False)
    response.headers.update(headers or {})
    return response


async def _cached_response(
    response: FileResponse, request: Request, *, is_kept_if_named: bool
) -> Response:
    """Return the file of `response` from memory, 304 if the client has it, or a range of it.

    The `ETag` is the version of the content: packages give all files the same date, and two
    versions of a file often have the same length. With the file's version in its address (`?v=`),
    clients keep it for a year if `is_kept_if_named`. Otherwise they must ask again before they use
    it: without `Cache-Control`, browsers keep a file for a tenth of its age (RFC 9111 section
    4.2.2), and a page would mix the modules of two releases. With the version of another release,
    clients get the present file, because a page may come from one instance and its files from
    another.
    """
    assert response.stat_result is not None
    body = await _read(response.path, response.stat_result)
    is_kept = is_kept_if_named and request.query_params.get("v") == body.version
    response.headers.update(_VARIES)
    response.headers["ETag"] = f'"{body.version}"'
    response.headers["Cache-Control"] = _A_YEAR if is_kept else "no-cache"
    if _conditions.is_not_modified(response.headers, request.headers):
        return NotModifiedResponse(response.headers)
    if "range" in request.headers and body.compressed_for(request) is None:
        return response  # of the gzip form there are no ranges: both forms have one ETag
    return body.response(request, response.headers)


_conditions = StaticFiles(check_dir=False)
_cache: dict[str, tuple[int, int, CompressedBody]] = {}


async def _read(path: str | os.PathLike[str], stat: os.stat_result) -> CompressedBody:
    """Return the file, from the cache unless it has changed."""
    cached = _cache.get(str(path))
    if cached and cached[:2] == (stat.st_mtime_ns, stat.st_size):
        return cached[2]
    read = await anyio.to_thread.run_sync(lambda: CompressedBody.of(Path(path).read_bytes()))
    if len(_cache) >= _MAX_CACHED_FILES:
        _cache.clear()
    _cache[str(path)] = (stat.st_mtime_ns, stat.st_size, read)
    return read
