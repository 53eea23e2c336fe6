"""`deploy.sh` and `rollback.sh`: command line and exit codes."""

import argparse
import re
import signal
import sys
from collections.abc import Callable

from rich.console import Console

from infra.deployment.preflight import ReleaseRequirements
from infra.deployment.progress import ProgressReporter
from infra.deployment.release import deploy, roll_back
from infra.deployment.release_errors import ReleaseRefused, RollbackFailed, RolledBack
from infra.deployment.time_budget import deploy_budget_s, rollback_budget_s

_STAGES = ("dev", "staging", "production")
_EXIT_CODES = """exit codes: 0 done; 1 refused, nothing was changed; 2 failed and rolled back to the
previous release; 3 failed, and the rollback failed too: act at once; 130 interrupted before
anything was changed"""
_POLL_S = 2.0


def main() -> int:
    """Deploy or roll back; return the exit code."""
    try:
        options = _options()
    except SystemExit as end:
        return 1 if end.code else 0  # argparse exits with 2, which means "rolled back" here
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # roll a release back, as for Ctrl-C
    tell = ProgressReporter(Console(highlight=False))
    limits = {"yes": options.yes, "seconds": options.seconds, "poll_s": options.poll_s}
    try:
        if options.command == "deploy":
            deploy(options.app, ReleaseRequirements(options.stage, options.tests), tell, **limits)
        else:
            roll_back(options.app, options.version, tell, **limits)
    except (ReleaseRefused, RolledBack, RollbackFailed) as end:
        tell.say(str(end))
        return end.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(add_help=False)
    commands = parser.add_subparsers(dest="command", required=True)
    deploy_parser = _add_command(
        commands, "deploy", "Release the checked-out commit; roll back if the release fails."
    )
    deploy_parser.add_argument("app", type=_app, metavar="APP", help="the app's name on Fly.io")
    deploy_parser.add_argument("stage", choices=_STAGES, metavar="STAGE", help=", ".join(_STAGES))
    deploy_parser.add_argument(
        "--tests",
        choices=("recorded", "run", "skip"),
        default="recorded",
        help="recorded: make test-all must have passed for this commit; run: lint and test now;"
        " skip: no tests (not for production)",
    )
    rollback_parser = _add_command(
        commands, "rollback", "Deploy the image of an earlier release, without a build."
    )
    rollback_parser.add_argument("app", type=_app, metavar="APP", help="the app's name on Fly.io")
    rollback_parser.add_argument(
        "version",
        nargs="?",
        type=_version,
        metavar="VERSION",
        help="such as v41 (default: the previous release)",
    )
    _add_common_options(deploy_parser, deploy_budget_s)
    _add_common_options(rollback_parser, rollback_budget_s)
    options = parser.parse_args()
    if options.command == "deploy" and _names_other_stage(options.app, options.stage):
        deploy_parser.error(f"{options.app} is not for {options.stage}")
    return options


def _names_other_stage(app: str, stage: str) -> bool:
    return any(app.endswith(f"-{other}") for other in _STAGES if other != stage)


def _add_command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, description: str
) -> argparse.ArgumentParser:
    return commands.add_parser(name, prog=f"{name}.sh", description=description, epilog=_EXIT_CODES)


def _add_common_options(parser: argparse.ArgumentParser, budget_s: Callable[[int], float]) -> None:
    parser.add_argument("--yes", action="store_true", help="don't ask for confirmation")
    parser.add_argument(
        "--seconds",
        type=float,
        help=f"time limit in seconds (default: by the number of machines, {budget_s(2):.0f} for two"
        f" and {budget_s(10):.0f} for ten)",
    )
    parser.add_argument("--poll-s", type=float, default=_POLL_S, help=argparse.SUPPRESS)


def _app(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,61}[a-z0-9]", name):
        raise argparse.ArgumentTypeError(
            f"{name!r} is not an app's name: use lower-case letters, digits and dashes"
        )
    return name


def _version(text: str) -> int:
    if not (match := re.fullmatch(r"v?(\d{1,9})", text)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a version: write v41 or 41")
    return int(match[1])


if __name__ == "__main__":
    sys.exit(main())
