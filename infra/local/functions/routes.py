"""Which function an address belongs to, by the precedence of an HTTP API.

A route without a greedy variable goes before one with it, a literal segment before a variable, a
named method before ANY, and `$default` comes last.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from infra.local.functions.definitions import DEFAULT_ROUTE, Definition

_VARIABLE = re.compile(r"\{(?P<name>[^{}+]+)(?P<greedy>\+?)\}")


@dataclass(frozen=True, slots=True)
class Match:
    """What answers an address."""

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
        """Those of a `path` that this route takes."""
        pattern = "/".join(_pattern(segment) for segment in self.segments)
        found = re.fullmatch(f"/{pattern}", path)
        if found is None:
            return None
        # Groups have numbers, since a variable's name need not be an identifier.
        names = [v["name"] for v in map(_VARIABLE.fullmatch, self.segments) if v]
        values = map(unquote, found.groups())
        return dict(zip(names, values, strict=True))


class Routes:
    """The routes of all functions."""

    def __init__(self, functions: Iterable[Definition]) -> None:
        every = [_Route(key, function.name) for function in functions for key in function.routes]
        self._default = next((r.function for r in every if r.key == DEFAULT_ROUTE), None)
        self._routes = sorted((r for r in every if r.key != DEFAULT_ROUTE), key=lambda r: r.rank)

    def match(self, method: str, path: str) -> Match | None:
        """Who answers `method` at the percent-encoded `path`."""
        for route in self._routes:
            if route.method in (method, "ANY"):
                parameters = route.path_parameters(path)
                if parameters is not None:
                    return Match(route.key, route.function, parameters)
        return Match(DEFAULT_ROUTE, self._default, {}) if self._default else None


def _rank(segment: str) -> int:
    variable = _VARIABLE.fullmatch(segment)
    return 0 if variable is None else 2 if variable["greedy"] else 1


def _pattern(segment: str) -> str:
    return (re.escape(segment), "([^/]+)", "(.+)")[_rank(segment)]
