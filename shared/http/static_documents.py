"""Static documents, read and compressed once per process in a worker thread."""

import gzip
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from shared.application.errors import EndpointNotFound
from shared.http.compression import GZIP_LEVEL, MIN_COMPRESSED_BYTES, wants_gzip

_MAX_CACHED_FILES: Final = 256


@dataclass(frozen=True, slots=True)
class CompressedBody:
    """A body, and its gzip form; None if that is not smaller."""

    plain: bytes
    compressed: bytes | None

    @classmethod
    def of(cls, plain: bytes) -> "CompressedBody":
        """Compress `plain`; takes about 30 ms for 1 MB."""
        if len(plain) < MIN_COMPRESSED_BYTES:
            return cls(plain, None)
        packed = gzip.compress(plain, GZIP_LEVEL, mtime=0)
        return cls(plain, packed if len(packed) < len(plain) else None)

    def response(self, request: Request, headers: Mapping[str, str]) -> Response:
        """Return a response with `headers`, compressed if the client accepts gzip."""
        fields = {**headers, "Vary": "Accept-Encoding"}
        fields.pop("content-length", None)
        if self.compressed is None or not wants_gzip(request.headers.get("accept-encoding")):
            return Response(self.plain, headers=fields)
        return Response(self.compressed, headers=fields | {"Content-Encoding": "gzip"})


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
        return await cached_response(response, Request(scope))


async def cached_response(response: Response, request: Request) -> Response:
    """Return `response`, from memory if it is a whole file.

    Unless it says otherwise, clients must ask again before they use it: without `Cache-Control`,
    browsers keep a file for a tenth of its age (RFC 9111 section 4.2.2), and a page would mix the
    modules of two releases.
    """
    response.headers.setdefault("Cache-Control", "no-cache")
    is_file = isinstance(response, FileResponse) and response.status_code == 200
    if not is_file or "range" in request.headers:
        return response
    assert isinstance(response, FileResponse)
    stat = response.stat_result
    if stat is None:
        stat = await anyio.to_thread.run_sync(os.stat, response.path)
        response.set_stat_headers(stat)
    return (await _read(response.path, stat)).response(request, response.headers)


_files = StaticFiles(check_dir=False)


async def file_response(
    request: Request, path: Path, headers: Mapping[str, str] | None = None
) -> Response:
    """Return the file at `path`, or 304 if the client has it (RFC 9110 section 13.1).

    `headers` are added to the file's `ETag` and `Last-Modified`.
    """
    response = _files.file_response(path, path.stat(), request.scope)
    response.headers.update(headers or {})
    return await cached_response(response, request)


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
