"""Routes: each endpoint is declared once, with its rule of access, its input and its answers.

Requests are served from these declarations, and the OpenAPI document is made of them
(`shared.http.openapi`), so that a function needs no FastAPI to start.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel
from starlette.responses import Response

from shared.access.rights import Operation
from shared.errors import MethodNotAllowed, NothingHere

Endpoint = Callable[..., Awaitable[Response]]
_Declared = TypeVar("_Declared", bound=Endpoint)

_GUARDED = (401, 403, 429, 503)
READ_ERRORS = (400, 404, *_GUARDED)
CHANGE_ERRORS = (400, 404, 409, 412, 413, 415, 422, *_GUARDED)
BATCH_ERRORS = (400, 413, 415, 422, *_GUARDED)
CREATE_ERRORS = (400, 409, 413, 415, 422, *_GUARDED)
TOKEN_ERRORS = (400, 404, 413, 415, 422, *_GUARDED)
"""Statuses of the errors that an endpoint of each kind can answer with."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What the OpenAPI document says of an endpoint's answers.

    `document` names the class in `shared.http.documents` that describes the body, if there is one;
    `errors` are the statuses of all errors.
    """

    status: int
    document: str | None
    description: str
    errors: tuple[int, ...] = ()
    media_type: str = "application/json"


NOT_MODIFIED = Answers(304, None, "Still the version that `If-None-Match` names")


@dataclass(frozen=True, slots=True)
class RequestHeader:
    """A header field that an endpoint reads."""

    name: str
    description: str
    max_length: int | None = None
    pattern: str | None = None


IF_MATCH = RequestHeader("If-Match", 'Change only this version, e.g. `"7"`; else a 412.')
IF_NONE_MATCH = RequestHeader("If-None-Match", '304 if this is still the version, e.g. `"7"`.')
IDEMPOTENCY_KEY = RequestHeader(
    "Idempotency-Key",
    "Makes a retry harmless for 24 h: it gets the first answer again.",
    max_length=255,
    pattern=r"^[\x21-\x7e]+$",
)
CHANGE_HEADERS = (IF_MATCH, IDEMPOTENCY_KEY)


@dataclass(frozen=True, slots=True)
class Route:
    """One method at one address.

    `path` may have `{session_id}` and `{participant_id}` in it, which are UUIDs, and may end in
    `{rest}`, which stands for one or more segments. A caller must be allowed to do `requires`;
    None lets everyone in. `takes` describes the query of a GET, else the JSON body, and the
    endpoint gets it as its second argument: None for a body that `may_be_absent` and is.
    """

    method: str
    path: str
    endpoint: Endpoint
    answers: tuple[Answers, ...] = ()
    requires: Operation | None = None
    takes: type[BaseModel] | None = None
    may_be_absent: bool = False
    headers: tuple[RequestHeader, ...] = ()
    tag: str | None = None

    @property
    def is_documented(self) -> bool:
        """Whether the OpenAPI document tells of it."""
        return bool(self.answers)

    @property
    def reads_body(self) -> bool:
        """Whether a request can have a body that means something."""
        return self.method != "GET"


class Routes:
    """The routes of one module; `tag` is their chapter in the OpenAPI document."""

    def __init__(self, tag: str | None = None) -> None:
        self._tag = tag
        self._routes: list[Route] = []

    def __iter__(self) -> Iterator[Route]:
        return iter(self._routes)

    def get(self, path: str, *answers: Answers, **options: Any) -> Callable[[_Declared], _Declared]:
        """Declare an endpoint of `GET`, and of `HEAD`, which is answered without a body."""
        return self._declaring("GET", path, answers, options)

    def post(
        self, path: str, *answers: Answers, **options: Any
    ) -> Callable[[_Declared], _Declared]:
        """Declare an endpoint of `POST`."""
        return self._declaring("POST", path, answers, options)

    def patch(
        self, path: str, *answers: Answers, **options: Any
    ) -> Callable[[_Declared], _Declared]:
        """Declare an endpoint of `PATCH`."""
        return self._declaring("PATCH", path, answers, options)

    def delete(
        self, path: str, *answers: Answers, **options: Any
    ) -> Callable[[_Declared], _Declared]:
        """Declare an endpoint of `DELETE`."""
        return self._declaring("DELETE", path, answers, options)

    def _declaring(
        self, method: str, path: str, answers: tuple[Answers, ...], options: dict[str, Any]
    ) -> Callable[[_Declared], _Declared]:
        def declared(endpoint: _Declared) -> _Declared:
            self._routes.append(Route(method, path, endpoint, answers, tag=self._tag, **options))
            return endpoint

        return declared


class RouteTable:
    """Finds the route of a request, by one regular expression for each method.

    Where two routes fit a path, the one that was declared first is taken.
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = list(routes)
        self._by_method: dict[str, _Alternatives] = {}
        for route in self._routes:
            self._by_method.setdefault(route.method, _Alternatives()).add(route)

    def __iter__(self) -> Iterator[Route]:
        return iter(self._routes)

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """The route, and the parameters in the path by name.

        Raises `NothingHere` where no route has this path, and `MethodNotAllowed`, with the methods
        that there are, where one has it.
        """
        alternatives = self._by_method.get(method)
        found = alternatives and alternatives.find(path)
        if not found:
            raise MethodNotAllowed(self._allowed(path))
        return found

    def _allowed(self, path: str) -> list[str]:
        """Every method that there is at `path`, for `Allow` (RFC 9110 section 10.2.1)."""
        methods = {method for method, routes in self._by_method.items() if routes.find(path)}
        if not methods:
            raise NothingHere
        if "GET" in methods:
            methods.add("HEAD")
        return sorted({*methods, "OPTIONS"})


class _Alternatives:
    """The routes of one method, and the expression that tells them apart."""

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
        assert group is not None  # the group of a whole route is the one that is closed last
        route, names = self._by_group[group]
        return route, {name: match[group + place] for place, name in enumerate(names, 1)}


_PARAMETER = re.compile(r"{(\w+)}")


def _pattern_of(path: str) -> str:
    """The expression for `path`: a parameter is one segment, `{rest}` is one or more."""
    parts = _PARAMETER.split(path)
    patterns = [
        re.escape(text) if place % 2 == 0 else _SEGMENTS.get(text, "([^/]+)")
        for place, text in enumerate(parts)
    ]
    return "".join(patterns)


_SEGMENTS = {"rest": "(.+)"}
