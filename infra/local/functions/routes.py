"""Route matching with the precedence of an API Gateway HTTP API.

Routes without a greedy path variable precede routes with one, literal segments precede variables,
a specific method precedes `ANY`, and `$default` comes last. The path is decoded before it is
matched, so `%2F` separates segments.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from infra.local.functions.serverless_config import DEFAULT_ROUTE, FunctionConfig

_VARIABLE = re.compile(r"\{(?P<name>[^{}+]+)(?P<greedy>\+?)\}")


@dataclass(frozen=True, slots=True)
class RouteMatch:
    """The route that a request matches, its function and the path parameters."""

    route: str
    function: str
    path_parameters: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Route:
    key: str
    function: str

    @property
    def method(self) -> str:
        return self.key.partition(" ")[0]

    @property
    def segments(self) -> list[str]:
        return self.key.partition(" ")[2].strip("/").split("/")

    @property
    def rank(self) -> tuple[bool, list[int], bool]:
        ranks = [_rank(segment) for segment in self.segments]
        return 2 in ranks, ranks, self.method == "ANY"

    def path_parameters(self, path: str) -> dict[str, str] | None:
        """Return the path parameters if the route matches `path`, else `None`."""
        pattern = "/".join(_pattern(segment) for segment in self.segments)
        match = re.fullmatch(f"/{pattern}", path, re.DOTALL)
        if match is None:
            return None
        # The groups are unnamed, because a variable's name need not be a Python identifier.
        names = [v["name"] for v in map(_VARIABLE.fullmatch, self.segments) if v]
        return dict(zip(names, match.groups(), strict=True))


class RouteTable:
    """The routes of all functions."""

    def __init__(self, functions: Iterable[FunctionConfig]) -> None:
        routes = [_Route(key, function.name) for function in functions for key in function.routes]
        self._default = next((r.function for r in routes if r.key == DEFAULT_ROUTE), None)
        self._routes = sorted((r for r in routes if r.key != DEFAULT_ROUTE), key=lambda r: r.rank)

    def match(self, method: str, path: str) -> RouteMatch | None:
        """Return the match for a method and a decoded path, or `None`."""
        for route in self._routes:
            if route.method in (method, "ANY"):
                parameters = route.path_parameters(path)
                if parameters is not None:
                    return RouteMatch(route.key, route.function, parameters)
        return RouteMatch(DEFAULT_ROUTE, self._default, {}) if self._default else None


def _rank(segment: str) -> int:
    """0 for a literal segment, 1 for a variable, 2 for a greedy variable."""
    variable = _VARIABLE.fullmatch(segment)
    return 0 if variable is None else 2 if variable["greedy"] else 1


def _pattern(segment: str) -> str:
    return (re.escape(segment), "([^/]+)", "(.+)")[_rank(segment)]
