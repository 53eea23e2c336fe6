"""Routes: each endpoint is declared once, with its required right, its input and its responses.

The pipeline serves requests from these declarations, and `shared.http.openapi.document` builds the
OpenAPI document from them, so that a function starts without FastAPI.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from starlette.responses import Response

from shared.application.authorization import Operation
from shared.application.errors import EndpointNotFound, MethodNotAllowed

Endpoint = Callable[..., Awaitable[Response]]
Decorator = Callable[[Endpoint], Endpoint]

_GUARDED = (401, 403, 429, 503)
LIST_ERRORS = (400, *_GUARDED)
READ_ERRORS = (400, 404, *_GUARDED)
CHANGE_ERRORS = (400, 404, 409, 412, 413, 415, 422, *_GUARDED)
BATCH_ERRORS = (400, 413, 415, 422, *_GUARDED)
CREATE_ERRORS = (400, 409, 413, 415, 422, *_GUARDED)
TOKEN_ERRORS = (400, 404, 413, 415, 422, *_GUARDED)
ACTION_ERRORS = (400, 404, 413, 415, *_GUARDED)
CONFLICT_ERRORS = (*ACTION_ERRORS, 409)
WEBHOOK_SECRET_ERRORS = (*CONFLICT_ERRORS, 422)
JOIN_ERRORS = (400, 403, 404, 409, 413, 415, 422, 429, 503)
"""Error statuses that endpoints of each kind can return.

`ACTION_ERRORS` are for a POST or DELETE that doesn't read an `Idempotency-Key`, and
`CONFLICT_ERRORS` for one that may also conflict with what is stored."""


@dataclass(frozen=True, slots=True)
class ResponseSpec:
    """Description of an endpoint's responses for the OpenAPI document.

    `document` names the class in `shared.http.openapi.models` that describes the body, or is None
    without a body; `errors` are the statuses of all errors.
    """

    status: int
    document: str | None
    description: str
    errors: tuple[int, ...] = ()
    media_type: str = "application/json"


NOT_MODIFIED = ResponseSpec(304, None, "The version is still the one in `If-None-Match`")


@dataclass(frozen=True, slots=True)
class RequestParameter:
    """A header field that an endpoint reads, or with `is_query` a boolean in the query."""

    name: str
    description: str
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    is_query: bool = False


IF_MATCH = RequestParameter(
    "If-Match", 'Change only this version, e.g. `"7"`; otherwise return 412.'
)
IF_NONE_MATCH = RequestParameter(
    "If-None-Match", 'Return 304 if this is still the version, e.g. `"7"`.'
)
IDEMPOTENCY_KEY = RequestParameter(
    "Idempotency-Key",
    "Makes retries safe for 24 h: they get the first response again.",
    max_length=255,
    pattern=r"^[\x21-\x7e]+$",
)
SECRET_IDEMPOTENCY_KEY = RequestParameter(
    IDEMPOTENCY_KEY.name,
    "Makes retries safe while the code is open. It must be random, such as a UUID.",
    min_length=20,
    max_length=IDEMPOTENCY_KEY.max_length,
    pattern=IDEMPOTENCY_KEY.pattern,
)
"""For callers without a token: only the key tells the requests of two callers apart."""

DRY_RUN = RequestParameter(
    "dry_run", "`true`: answer as if the change was made, and change nothing.", is_query=True
)
PREFER_SESSION = RequestParameter(
    "Prefer", "`return=representation`: answer the whole Session (RFC 7240 section 4.2)."
)
PREFER_PARTICIPANT = RequestParameter(
    "Prefer", "`return=minimal`: answer this participant only (RFC 7240 section 4.2)."
)
CHANGE_PARAMETERS = (IF_MATCH, IDEMPOTENCY_KEY, DRY_RUN)


@dataclass(frozen=True, slots=True)
class Route:
    """One method at one path.

    `path` may contain `{session_id}`, a UUID, `{participant_id}` and `{rest}`. The last two also
    match slashes, since the path is decoded and an id may contain slashes. Callers
    need the right `requires`; None makes the route public. `takes` describes the query of a GET, or
    the JSON body. The endpoint gets it as its second argument. It is None if the body
    `may_be_absent` and is; an empty object means the same.
    """

    method: str
    path: str
    endpoint: Endpoint
    answers: tuple[ResponseSpec, ...] = ()
    requires: Operation | None = None
    takes: type[BaseModel] | None = None
    may_be_absent: bool = False
    parameters: tuple[RequestParameter, ...] = ()
    tag: str | None = None

    @property
    def is_documented(self) -> bool:
        """Whether the OpenAPI document includes this route."""
        return bool(self.answers)

    @property
    def reads_body(self) -> bool:
        """Whether requests may have a body."""
        return self.method != "GET"


class Routes:
    """The routes of one module; `tag` is their tag in the OpenAPI document."""

    def __init__(self, tag: str | None = None) -> None:
        self._tag = tag
        self._routes: list[Route] = []

    def __iter__(self) -> Iterator[Route]:
        return iter(self._routes)

    def get(self, path: str, *answers: ResponseSpec, **options: Any) -> Decorator:
        """Declare an endpoint for `GET`, which also serves `HEAD`, without a body."""
        return self._declare("GET", path, answers, options)

    def post(self, path: str, *answers: ResponseSpec, **options: Any) -> Decorator:
        """Declare an endpoint for `POST`."""
        return self._declare("POST", path, answers, options)

    def patch(self, path: str, *answers: ResponseSpec, **options: Any) -> Decorator:
        """Declare an endpoint for `PATCH`."""
        return self._declare("PATCH", path, answers, options)

    def delete(self, path: str, *answers: ResponseSpec, **options: Any) -> Decorator:
        """Declare an endpoint for `DELETE`."""
        return self._declare("DELETE", path, answers, options)

    def _declare(
        self, method: str, path: str, answers: tuple[ResponseSpec, ...], options: dict[str, Any]
    ) -> Decorator:
        def decorator(endpoint: Endpoint) -> Endpoint:
            self._routes.append(Route(method, path, endpoint, answers, tag=self._tag, **options))
            return endpoint

        return decorator


class RouteTable:
    """Finds the route of a request, with one regular expression per method.

    If several routes match a path, the one declared first wins.
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = list(routes)
        self._by_method: dict[str, _MethodRoutes] = {}
        for route in self._routes:
            self._by_method.setdefault(route.method, _MethodRoutes()).add(route)

    def __iter__(self) -> Iterator[Route]:
        return iter(self._routes)

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """Return the route, and the path parameters by name.

        Raises `EndpointNotFound` if no route matches the path, and `MethodNotAllowed`, with the
        allowed methods, if only routes of other methods match it.
        """
        routes = self._by_method.get(method)
        found = routes and routes.find(path)
        if not found:
            raise MethodNotAllowed(self._allowed(path))
        return found

    def _allowed(self, path: str) -> list[str]:
        """Return the methods allowed at `path`, for `Allow` (RFC 9110 section 10.2.1)."""
        methods = {method for method, routes in self._by_method.items() if routes.find(path)}
        if not methods:
            raise EndpointNotFound
        if "GET" in methods:
            methods.add("HEAD")
        return sorted({*methods, "OPTIONS"})


class _MethodRoutes:
    """The routes of one method, and the regular expression that matches them."""

    def __init__(self) -> None:
        self._patterns: list[str] = []
        self._by_group: dict[int, tuple[Route, list[str]]] = {}
        self._groups = 0
        self._expression: re.Pattern[str] | None = None

    def add(self, route: Route) -> None:
        names = _PARAMETER.findall(route.path)
        self._by_group[self._groups + 1] = (route, names)
        self._groups += 1 + len(names)
        self._patterns.append(f"({_pattern_of(route.path)})")
        self._expression = None

    def find(self, path: str) -> tuple[Route, dict[str, str]] | None:
        if self._expression is None:
            self._expression = re.compile("|".join(self._patterns))
        match = self._expression.fullmatch(path)
        if match is None:
            return None
        group = match.lastindex
        assert group is not None  # `lastindex` is the group of the whole route, which closes last
        route, names = self._by_group[group]
        return route, {name: match[group + offset] for offset, name in enumerate(names, 1)}


_PARAMETER = re.compile(r"{(\w+)}")


def _pattern_of(path: str) -> str:
    """Return the pattern of `path`: a parameter matches one segment, or the rest of the path."""
    parts = _PARAMETER.split(path)
    patterns = [
        re.escape(text) if index % 2 == 0 else _SEGMENTS.get(text, "([^/]+)")
        for index, text in enumerate(parts)
    ]
    return "".join(patterns)


_SEGMENTS = {"rest": "(.+)", "participant_id": "((?s:.+))"}
