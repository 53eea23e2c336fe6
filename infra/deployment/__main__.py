"""`deploy.sh` and `rollback.sh`: their options, and what a shell is told at the end."""

import argparse
import re
import signal
import sys

from rich.console import Console

from infra.deployment.deploying import DEPLOY_S, ROLLBACK_S, deploy, roll_back
from infra.deployment.failure import Refused, RolledBack, Stranded
from infra.deployment.preflight import Demands
from infra.deployment.telling import Teller

_STAGES = ("dev", "staging", "production")
_CODES = """exit codes: 0 done; 1 refused, nothing was changed; 2 failed, and the release before
serves again; 3 failed, and so did the way back: look at once; 130 interrupted before anything
was changed"""
_POLL_S = 2.0


def main() -> int:
    """Carry out what is asked for; returns the exit code."""
    try:
        options = _options()
    except SystemExit as end:
        return 1 if end.code else 0  # argparse's own 2 means something else here
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # a release is undone for these, too
    tell = Teller(Console(highlight=False))
    limits = {"yes": options.yes, "seconds": options.seconds, "poll_s": options.poll_s}
    try:
        if options.what == "deploy":
            deploy(options.app, Demands(options.stage, options.tests), tell, **limits)
        else:
            roll_back(options.app, options.version, tell, **limits)
    except (Refused, RolledBack, Stranded) as end:
        tell.say(str(end))
        return end.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


def _options() -> argparse.Namespace:
    what = argparse.ArgumentParser(add_help=False)
    commands = what.add_subparsers(dest="what", required=True)
    release = _command(
        commands, "deploy", "Release what is checked out, and go back by itself if it fails."
    )
    release.add_argument("app", type=_app, metavar="APP", help="its name at Fly")
    release.add_argument("stage", choices=_STAGES, metavar="STAGE", help=", ".join(_STAGES))
    release.add_argument(
        "--tests",
        choices=("recorded", "run", "skip"),
        default="recorded",
        help="recorded: make test has passed for this commit; run: now; skip: not for production",
    )
    back = _command(commands, "rollback", "Have an earlier release serve again, without a build.")
    back.add_argument("app", type=_app, metavar="APP", help="its name at Fly")
    back.add_argument("version", nargs="?", type=_version, metavar="VERSION", help="such as v41")
    _limits(release, DEPLOY_S)
    _limits(back, ROLLBACK_S)
    options = what.parse_args()
    if options.what == "deploy" and _is_of_another(options.app, options.stage):
        release.error(f"{options.app} is not for {options.stage}")
    return options


def _is_of_another(app: str, stage: str) -> bool:
    """Whether the app's name says that it is of another stage."""
    return any(app.endswith(f"-{other}") for other in _STAGES if other != stage)


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, about: str
) -> argparse.ArgumentParser:
    return commands.add_parser(name, prog=f"{name}.sh", description=about, epilog=_CODES)


def _limits(parser: argparse.ArgumentParser, seconds: float) -> None:
    parser.add_argument("--yes", action="store_true", help="don't ask")
    parser.add_argument("--seconds", type=float, default=seconds, help="for all of it: %(default)s")
    parser.add_argument("--poll-s", type=float, default=_POLL_S, help=argparse.SUPPRESS)


def _app(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,61}[a-z0-9]", name):
        raise argparse.ArgumentTypeError(
            f"{name!r} is no name of an app: lower-case letters, digits and dashes"
        )
    return name


def _version(text: str) -> int:
    if not (match := re.fullmatch(r"v?(\d{1,9})", text)):
        raise argparse.ArgumentTypeError(f"{text!r} is no version: v41, or 41")
    return int(match[1])


if __name__ == "__main__":
    sys.exit(main())
