"""The variables of serverless.yml that a local run can know: `${param:x}`, `${sls:stage}`, ..."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from infra.local.functions.failures import NotUnderstood

_VARIABLE = re.compile(r"\$\{(?P<source>\w+):(?P<name>[\w.-]+)\s*(?:,\s*(?P<fallback>[^{}]*))?\}")


@dataclass(frozen=True, slots=True)
class Variables:
    """What the variables of one stage stand for."""

    stage: str
    params: Mapping[str, Any]
    options: Mapping[str, Any]

    def resolve(self, value: Any) -> Any:
        """`value` with every variable in it replaced. Raises `NotUnderstood`."""
        if isinstance(value, Mapping):
            return {key: self.resolve(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.resolve(inner) for inner in value]
        return self._resolve_text(value) if isinstance(value, str) else value

    def _resolve_text(self, text: str) -> Any:
        if whole := _VARIABLE.fullmatch(text):
            # Alone it keeps its type: `${param:snapStart}` is true or false, not a text.
            return self._look_up(whole)
        while found := _VARIABLE.search(text):
            text = text[: found.start()] + str(self._look_up(found)) + text[found.end() :]
        if "${" in text:
            raise NotUnderstood(f"No local run knows what {text} is.")
        return text

    def _look_up(self, found: re.Match[str]) -> Any:
        known = {"param": self.params, "opt": self.options, "sls": {"stage": self.stage}}
        source, name, fallback = found["source"], found["name"], found["fallback"]
        if name in known.get(source, {}):
            return self.resolve(known[source][name])
        if fallback is None:
            raise NotUnderstood(f"No local run knows what {found[0]} is.")
        inner = re.fullmatch(r"(\w+):([\w.-]+)", fallback.strip())
        return self.resolve(f"${{{fallback.strip()}}}") if inner else yaml.safe_load(fallback)


def variables_of(document: Mapping[str, Any], stage: str) -> Variables:
    """Those of `stage`: its own parameters go before the default ones."""
    params = document.get("params") or {}
    own = (params.get("default") or {}) | (params.get(stage) or {})
    return Variables(stage, own, {"stage": stage})
