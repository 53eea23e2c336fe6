"""`infra/scripts/secrets`: generates what can be generated, and sets it where the service runs."""

import argparse
import getpass
import sys
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from infra.consent import agrees
from infra.environment import flyctl, parameters
from infra.environment.choosing import Plan, plan
from infra.environment.required import Secret, secrets_of
from infra.environment.validation import validate
from infra.environment.variables import KNOWN, FileFaulty, variables_of

console = Console(highlight=False, soft_wrap=True)


class Refused(Exception):
    """Nothing was set; says why."""


def main(arguments: list[str] | None = None) -> int:
    """Set them; returns the exit code."""
    options = _options(arguments)
    try:
        _set(options)
    except (Refused, FileFaulty, flyctl.FlyFailed, BotoCoreError, ClientError) as failure:
        console.print(str(failure), markup=False)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _set(options: argparse.Namespace) -> None:
    given = variables_of(options.file)
    secrets = secrets_of(options.target)
    present = _present(options)
    chosen = plan(secrets, given, present, _ask)
    if options.target == "fly" and options.file:
        others = {name for name in given if name in KNOWN or name.startswith("OTEL_")}
        chosen.values |= {name: given[name] for name in others - _named(secrets)}
    _require_sound(chosen, present, options)
    _tell(chosen)
    if options.dry_run:
        console.print("A dry run: nothing was set.")
        return
    if not chosen.values:
        console.print("Nothing to set.")
        return
    _require_consent(chosen, options)
    if options.target == "fly":
        flyctl.write(options.app, chosen.values)
        console.print(f"Set on {options.app}, from its next release on.")
    else:
        parameters.write(options.stage, options.region, chosen.values)
        console.print(f"Set under /synckairos/{options.stage}/.")


def _named(secrets: tuple[Secret, ...]) -> set[str]:
    return {secret.name for secret in secrets}


def _present(options: argparse.Namespace) -> set[str]:
    if options.target == "fly":
        return flyctl.names(options.app)
    return parameters.names(options.stage, options.region)


def _ask(secret: Secret) -> str:
    if not sys.stdin.isatty():
        return ""
    return getpass.getpass(f"{secret.name} ({secret.how}): ").strip()


def _require_sound(chosen: Plan, present: set[str], options: argparse.Namespace) -> None:
    if chosen.missing:
        needed = "; ".join(f"{one.name} ({one.how})" for one in chosen.missing)
        raise Refused(f"Nothing was set, for these are missing: {needed}")
    if broken := [name for name, value in chosen.values.items() if "\n" in value]:
        raise Refused(f"Nothing was set: {', '.join(broken)} must be one line")
    found = validate(chosen.values, "production", options.target).faults
    if faults := [f for f in found if not (" is missing" in f and f.split()[0] in present)]:
        raise Refused(f"Nothing was set: {'; '.join(faults)}")


def _tell(chosen: Plan) -> None:
    for name in chosen.values:
        how = "made, known to nobody" if name in chosen.made else "as given"
        console.print(f"  {name}: {how}")
    for name in chosen.kept:
        console.print(f"  [dim]{name}: stays as it is[/]")


def _require_consent(chosen: Plan, options: argparse.Namespace) -> None:
    for secret in chosen.replaced:
        note = f": {secret.when_replaced}" if secret.when_replaced else ""
        console.print(f"  [yellow]{secret.name} is replaced{note}[/]")
    if options.yes:
        return
    if not sys.stdin.isatty():
        raise Refused("Nothing was set. Nobody is there to ask: --yes says that you agree.")
    if not agrees("Set them?"):
        raise Refused("Nothing was set.")


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="secrets",
        description="Makes the secrets that can be made, takes the others from FILE, from the"
        " environment or from you, and sets them; on Fly all other settings of FILE as well."
        " Values are never shown, nor written to disk.",
    )
    parser.add_argument("app", nargs="?", metavar="APP", help="its name at Fly")
    parser.add_argument("--target", choices=("fly", "lambda"), default="fly")
    parser.add_argument("--stage", default="dev", help="of the functions (default: %(default)s)")
    parser.add_argument("--region", default="ap-southeast-2", help="default: %(default)s")
    parser.add_argument("--file", type=Path, help="variables, as in .env.production.example")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be set")
    parser.add_argument("--yes", action="store_true", help="don't ask")
    options = parser.parse_args(arguments)
    if options.target == "fly" and not options.app:
        parser.error("say which app: secrets APP")
    return options


if __name__ == "__main__":
    sys.exit(main())
