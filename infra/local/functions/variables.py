"""Resolve Serverless Framework variables: `${param:x}`, `${opt:stage}` and `${sls:stage}`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

_VARIABLE = re.compile(r"\$\{(?P<source>\w+):(?P<name>[\w.-]+)\s*(?:,\s*(?P<fallback>[^{}]*))?\}")


class UnsupportedConfiguration(Exception):
    """The message names the unsupported setting."""


@dataclass(frozen=True, slots=True)
class Variables:
    """The values of one stage's variables."""

    stage: str
    params: Mapping[str, Any]
    options: Mapping[str, Any]

    def resolve(self, value: Any) -> Any:
        """Return `value` with all variables in it resolved. Raises `UnsupportedConfiguration`."""
        if isinstance(value, Mapping):
            return {key: self.resolve(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.resolve(inner) for inner in value]
        return self._resolve_text(value) if isinstance(value, str) else value

    def _resolve_text(self, text: str) -> Any:
        if whole := _VARIABLE.fullmatch(text):
            # A value that is only a variable keeps its type: `${param:snapStart}` is a boolean.
            return self._look_up(whole)
        while found := _VARIABLE.search(text):
            text = text[: found.start()] + str(self._look_up(found)) + text[found.end() :]
        if "${" in text:
            raise UnsupportedConfiguration(f"Unsupported variable in serverless.yml: {text}")
        return text

    def _look_up(self, found: re.Match[str]) -> Any:
        known = {"param": self.params, "opt": self.options, "sls": {"stage": self.stage}}
        source, name, fallback = found["source"], found["name"], found["fallback"]
        if name in known.get(source, {}):
            return self.resolve(known[source][name])
        if fallback is None:
            raise UnsupportedConfiguration(f"Unknown variable in serverless.yml: {found[0]}")
        inner = re.fullmatch(r"(\w+):([\w.-]+)", fallback.strip())
        return self.resolve(f"${{{fallback.strip()}}}") if inner else yaml.safe_load(fallback)


def read_variables(document: Mapping[str, Any], stage: str) -> Variables:
    """Return the variables of `stage`; its parameters override the default ones."""
    params = document.get("params") or {}
    merged = (params.get("default") or {}) | (params.get(stage) or {})
    return Variables(stage, merged, {"stage": stage})
