"""An example of a request body, as the OpenAPI document shows it and a test executes it."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

SESSION_ID = "5a7f9a52-6a2c-4d0c-9a38-0f1f4c3b7d10"
"""Stands for the id of a session in paths and bodies."""
PARTICIPANT_ID = "ada"
"""The participant of the examples' paths; every example of a creation has it."""

JOIN_CODE = "BCDFGH"
"""Stands for the code that a session got."""


@dataclass(frozen=True, slots=True)
class Example:
    """A request body.

    `before` are the requests that must come first, each as the name of an operation, or with the
    name of one of its examples behind a colon: `create:exam`. Without a creation it is for a
    session that was made with the first example of `create`. `instants` maps JSON pointers (RFC
    6901) to ms from now: the instants there must be near now, so they can't be constant.
    """

    name: str
    summary: str
    value: Mapping[str, Any]
    before: tuple[str, ...] = ()
    instants: Mapping[str, int] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return the Example Object (OpenAPI 3.1 section 4.8.19).

        `x-before` and `x-instants` are `before` and `instants`, for programs.
        """
        # A copy, because users of a document may change it.
        shown: dict[str, Any] = {"summary": self.summary, "value": deepcopy(self.value)}
        if description := self._description():
            shown["description"] = description
        if self.before:
            shown["x-before"] = list(self.before)
        if self.instants:
            shown["x-instants"] = self.instants
        return shown

    def _description(self) -> str:
        hints = []
        if self.before:
            hints.append(f"After {', '.join(f'`{step}`' for step in self.before)}.")
        hints += [
            f"Set `{pointer.removeprefix('/')}` to {offset_ms // 1000} s from now."
            for pointer, offset_ms in self.instants.items()
        ]
        return " ".join(hints)
