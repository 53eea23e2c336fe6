"""The journal of a launch: what it has created and done, to resume it and to undo it.

It is written before and after each call that creates something. If a launch is interrupted between
the two, the next one finds by its name what was created, and creates nothing twice. The journal has
names and ids, no secrets.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from infra.launch.errors import LaunchFailed
from infra.private_file import write_private


@dataclass(frozen=True, slots=True)
class Resource:
    """Something that this launch creates; without an `id` it may or may not exist yet."""

    name: str
    id: str = ""


class Journal:
    """The journal in the file at `path`. Raises `LaunchFailed` if the file is damaged."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._resources: dict[str, Resource] = {}
        self._facts: dict[str, Any] = {}
        if path.exists():
            self._read()

    def resource(self, kind: str) -> Resource | None:
        """Return what this launch created, or began to create, of this kind."""
        return self._resources.get(kind)

    def begin(self, kind: str, name: str) -> None:
        """Record that something of this name is going to be created."""
        self._resources[kind] = Resource(name)
        self._write()

    def finish(self, kind: str, created_id: str) -> None:
        """Record that it was created, and its id."""
        self._resources[kind] = Resource(self._resources[kind].name, created_id)
        self._write()

    def forget(self, kind: str) -> None:
        """Record that nothing of this kind exists: its creation was refused, or it is deleted."""
        if self._resources.pop(kind, None):
            self._write()

    def fact(self, name: str) -> Any:
        """Return what was recorded under this name, or None."""
        return self._facts.get(name)

    def record(self, name: str, value: Any) -> None:
        """Record a fact that JSON can hold."""
        if self._facts.get(name) != value:
            self._facts[name] = value
            self._write()

    def delete(self) -> None:
        """Delete the journal."""
        self.path.unlink(missing_ok=True)

    def _read(self) -> None:
        try:
            document = json.loads(self.path.read_text("utf-8"))
            self._facts = dict(document["facts"])
            self._resources = {
                kind: Resource(**fields) for kind, fields in document["resources"].items()
            }
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise LaunchFailed(
                f"The journal {self.path} is damaged ({error!r}). It names what was created:"
                " compare it with the consoles of Upstash and Supabase before you delete it."
            ) from None

    def _write(self) -> None:
        resources = {kind: asdict(resource) for kind, resource in self._resources.items()}
        document = {"resources": resources, "facts": self._facts}
        write_private(self.path, json.dumps(document, indent=2) + "\n")
