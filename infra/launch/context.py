"""What all steps of a launch share."""

import hashlib
import json
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from secrets import token_hex

from infra.confirm import confirm
from infra.deployment.progress import ProgressReporter
from infra.environment.secret_definitions import Target
from infra.launch.errors import LaunchFailed
from infra.launch.http_api import ApiRefused
from infra.launch.journal import Journal
from infra.launch.programs import Programs
from infra.launch.stage_file import StageFile
from infra.launch.supabase import Supabase
from infra.launch.upstash import Upstash

_PROJECT = re.compile(r"https://([a-z]{20})\.supabase\.co/?")

STAGES: Mapping[Target, Mapping[str, str]] = {
    "fly": {"dev": "dev", "staging": "staging", "production": "production"},
    "lambda": {"dev": "dev", "staging": "staging", "prod": "production"},
}
"""The stages of each target, with the names by which `check-redis` reserves a Redis for them."""


@dataclass(frozen=True, slots=True)
class LaunchContext:
    """One launch of a stage on a target."""

    target: Target
    stage: str
    region: str
    """A region of AWS, where Upstash and Supabase have their servers too."""
    app: str
    """The app's name on Fly.io."""
    file: StageFile
    journal: Journal
    tell: ProgressReporter
    programs: Programs
    require_commit: Callable[[], None]
    """Raises `ReleaseRefused` if the checked-out commit can't be released on Fly.io."""
    upstash: Upstash | None = None
    """None without UPSTASH_EMAIL and UPSTASH_API_KEY."""
    supabase: Supabase | None = None
    """None without SUPABASE_ACCESS_TOKEN."""
    organization: str = ""
    """The slug of the organization at Supabase; "" if the account has only one."""
    alarms_to: str = ""
    """The e-mail address that gets alarms; "" for none."""
    yes: bool = False
    """Whether everything is confirmed that this launch asks for, except for a rotation of keys in
    a project that it didn't create."""
    poll_s: float = 5.0

    @property
    def checked_stage(self) -> str:
        """The name by which `check-redis` knows the stage."""
        return STAGES[self.target][self.stage]

    def variables(self) -> dict[str, str]:
        """Return the variables of the stage's file."""
        return self.file.variables()

    def missing(self, names: tuple[str, ...]) -> list[str]:
        """Return those of the names that the file doesn't have."""
        present = self.variables()
        return [name for name in names if name not in present]

    def fingerprint(self) -> str:
        """Return a text that changes with every change of a variable, and doesn't reveal it.

        The secrets among the variables are too long to be guessed from it.
        """
        text = json.dumps(sorted(self.variables().items()))
        return hashlib.sha256(text.encode()).hexdigest()

    def project_ref(self) -> str:
        """Return the ref of the stage's Supabase project, "" if there is none yet."""
        created = self.journal.resource("project")
        if created and created.id:
            return created.id
        match = _PROJECT.fullmatch(self.variables().get("SUPABASE_URL", ""))
        return match[1] if match else ""

    def created_project(self) -> bool:
        """Return whether this launch created the Supabase project."""
        created = self.journal.resource("project")
        return bool(created and created.id)

    def ask(self, question: str, *, always: bool = False) -> None:
        """Ask for consent unless `yes` gives it; ask `always` even then.

        Raises `LaunchFailed` without consent.
        """
        if self.yes and not always:
            return
        if not sys.stdin.isatty():
            how = "run it on a terminal" if always else "run it on a terminal, or with YES=1"
            raise LaunchFailed(f"{question} There is no terminal to ask on: {how}.")
        if not confirm(question):
            raise LaunchFailed(
                "Not confirmed. What is done stays done; the same command goes on from here."
            )

    def create(
        self,
        kind: str,
        find: Callable[[str], str | None],
        create: Callable[[str], str],
    ) -> str:
        """Create something of this kind once, and return its id.

        `find` and `create` take its name and return its id. The name has a random end, so that
        nothing else can have it: what is found by this name was created by this launch. Raises
        `LaunchFailed`.
        """
        begun = self.journal.resource(kind)
        if begun and begun.id:
            return begun.id
        name = begun.name if begun else f"synckairos-{self.stage}-{token_hex(4)}"
        created_id = find(name) if begun else None
        if created_id is None:
            self.journal.begin(kind, name)
            try:
                created_id = create(name)
            except ApiRefused:
                self.journal.forget(kind)
                raise
        self.journal.finish(kind, created_id)
        return created_id
