"""`make launch` and `make destroy`: command line and exit codes."""

import argparse
import fcntl
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from rich.console import Console

from infra.deployment.preflight import ReleaseRequirements, require_releasable_commit
from infra.deployment.progress import ProgressReporter
from infra.deployment.subprocesses import ROOT
from infra.environment.function_settings import default_region
from infra.environment.variables import EnvFileError
from infra.launch.context import STAGES, LaunchContext
from infra.launch.destroy import created, destroy
from infra.launch.errors import LaunchFailed
from infra.launch.journal import Journal
from infra.launch.plan import steps
from infra.launch.programs import Programs
from infra.launch.stage_file import StageFile
from infra.launch.step import run_steps
from infra.launch.supabase import Supabase
from infra.launch.upstash import Upstash

_JOURNALS = ROOT / ".launch"


def main(arguments: list[str] | None = None) -> int:
    """Launch or destroy a stage; return 0, 1 for a failure, and 130 for an interruption."""
    options = _options(arguments)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    tell = ProgressReporter(Console(highlight=False))
    path = _JOURNALS / f"{options.stage}-{options.target}.json"
    try:
        if options.command == "launch":
            _require_one_target(options.stage, path)
        with _alone(path):
            launch = _context(options, Journal(path), tell)
            if options.command == "launch":
                run_launch(launch)
            else:
                run_destroy(launch)
    except (LaunchFailed, EnvFileError, OSError) as failure:
        tell.say(f"\n{options.command}: {failure}")
        return 1
    except KeyboardInterrupt:
        tell.say("\nInterrupted. The same command goes on from here.")
        return 130
    return 0


def run_launch(launch: LaunchContext) -> None:
    """Run the steps that aren't done. Raises `LaunchFailed`."""
    if launch.file.protect():
        launch.tell.note(f"{launch.file.path.name}: now only you can read it")
    run_steps(steps(launch), launch.tell)


def run_destroy(launch: LaunchContext) -> None:
    """Show what the launch created, and delete it if the user types the stage's name.

    Raises `LaunchFailed`.
    """
    descriptions = created(launch)
    if not descriptions:
        launch.tell.say(f"Nothing to delete: {launch.journal.path} names nothing created.")
        return
    launch.tell.say("These are deleted for good:")
    for description in descriptions:
        launch.tell.say(f"  {description}")
    try:
        typed = input(f"Type the stage's name, {launch.stage}, to delete them: ")
    except EOFError:
        typed = ""
    if typed.strip() != launch.stage:
        raise LaunchFailed("That is not the stage's name. Nothing was deleted.")
    destroy(launch)


def _require_one_target(stage: str, journal: Path) -> None:
    """Require that the stage isn't on the other target, which needs other variables in its file.

    Raises `LaunchFailed`.
    """
    for other in set(journal.parent.glob(f"{stage}-*.json")) - {journal}:
        raise LaunchFailed(
            f"{stage} was launched on {other.stem.removeprefix(f'{stage}-')}, and .env.{stage} is"
            " for that target. Take another stage, or see docs/deploy-by-hand.md for both on one."
        )


@contextmanager
def _alone(journal: Path) -> Iterator[None]:
    """Keep other launches of the same stage out. Raises `LaunchFailed` if one is running."""
    journal.parent.mkdir(exist_ok=True)
    with journal.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LaunchFailed(
                "Another launch of this stage is running: wait for its end"
            ) from None
        yield


def _context(
    options: argparse.Namespace, journal: Journal, tell: ProgressReporter
) -> LaunchContext:
    region = options.region or journal.fact("region") or default_region()
    app = options.app or journal.fact("app") or f"synckairos-{options.stage}"
    if options.command == "launch" and journal.fact("region") is None:
        journal.record("region", region)
    if options.command == "launch" and options.target == "fly":
        journal.record("app", app)
    email, api_key = os.environ.get("UPSTASH_EMAIL"), os.environ.get("UPSTASH_API_KEY")
    token = os.environ.get("SUPABASE_ACCESS_TOKEN")
    return LaunchContext(
        target=options.target,
        stage=options.stage,
        region=region,
        app=app,
        file=StageFile(ROOT / f".env.{options.stage}"),
        journal=journal,
        tell=tell,
        programs=Programs(ROOT),
        require_commit=partial(
            require_releasable_commit, ReleaseRequirements(options.stage, "recorded"), tell
        ),
        upstash=Upstash(email, api_key) if email and api_key else None,
        supabase=Supabase(token) if token else None,
        organization=options.organization,
        alarms_to=options.alarms_to,
        yes=options.yes,
    )


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.launch", description=__doc__)
    parser.add_argument("command", choices=("launch", "destroy"))
    parser.add_argument("--target", choices=tuple(STAGES), required=True)
    parser.add_argument(
        "--stage",
        required=True,
        help="Fly.io: dev, staging, production; Lambda: dev, staging, prod",
    )
    parser.add_argument(
        "--region", default="", help="of AWS; default: that of the journal, else of serverless.yml"
    )
    parser.add_argument("--app", default="", help="on Fly.io; default: synckairos-STAGE")
    parser.add_argument("--organization", default="", help="at Supabase, if there are several")
    parser.add_argument("--alarms-to", default="", help="the e-mail address for alarms on AWS")
    parser.add_argument("--yes", action="store_true", help="confirm what launch asks for")
    options = parser.parse_args(arguments)
    if options.stage not in STAGES[options.target]:
        stages = ", ".join(STAGES[options.target])
        parser.error(f"{options.stage!r} is not a stage of {options.target}: {stages}")
    return options


if __name__ == "__main__":
    sys.exit(main())
