"""`infra/scripts/secrets`: generate or ask for missing secrets and set them on Fly.io or AWS."""

import argparse
import getpass
import os
import sys
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from infra.confirm import confirm
from infra.environment import aws_parameters, fly_secrets
from infra.environment.fly_settings import undelivered_faults
from infra.environment.function_settings import default_region
from infra.environment.secret_definitions import Secret, all_secrets
from infra.environment.secret_plan import SecretPlan, plan_secrets
from infra.environment.validation import validate
from infra.environment.variables import EnvFileError, read_variables, unknown_variable_faults

console = Console(highlight=False, soft_wrap=True)


class NothingSet(Exception):
    """No secret was set; the message says why."""


def main(arguments: list[str] | None = None) -> int:
    """Set the secrets; return the exit code."""
    options = _options(arguments)
    try:
        _set(options)
    except (
        NothingSet,
        EnvFileError,
        fly_secrets.FlyctlError,
        BotoCoreError,
        ClientError,
    ) as failure:
        console.print(str(failure), markup=False)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _set(options: argparse.Namespace) -> None:
    given = read_variables(options.file)
    secrets = all_secrets(options.target)
    present = _present(options)
    planned = plan_secrets(secrets, given, present, _ask)
    if options.file:
        _require_delivered(given, options)
        others = given.keys() - _names(secrets)
        planned.values |= {name: given[name] for name in others}
    _require_valid(planned, present, options)
    _print(planned)
    if options.dry_run:
        console.print("Dry run: nothing was set.")
        return
    if not planned.values:
        console.print("Nothing to set.")
        return
    _require_confirmation(planned, options)
    if options.target == "fly":
        fly_secrets.set_secrets(options.app, planned.values)
        console.print(f"Set on {options.app}. Its next release uses them.")
    else:
        aws_parameters.write(options.stage, options.region, planned.values)
        console.print(
            f"Set under /synckairos/{options.stage}/. Running instances and snapshots keep the old"
            f" values until the next `make deploy STAGE={options.stage}`."
        )


def _require_delivered(given: dict[str, str], options: argparse.Namespace) -> None:
    """Require that each variable of the file is known and set. Raises `NothingSet`."""
    faults = unknown_variable_faults(set(given))
    if options.target == "fly":
        faults += undelivered_faults(given)
    if faults:
        raise NothingSet(f"Nothing was set: {'; '.join(faults)}")


def _names(secrets: tuple[Secret, ...]) -> set[str]:
    return {secret.name for secret in secrets}


def _present(options: argparse.Namespace) -> set[str]:
    if options.target == "fly":
        return fly_secrets.secret_names(options.app)
    return aws_parameters.names(options.stage, options.region)


def _ask(secret: Secret) -> str:
    if not sys.stdin.isatty():
        return ""
    return getpass.getpass(f"{secret.name} ({secret.how}): ").strip()


def _require_valid(planned: SecretPlan, present: set[str], options: argparse.Namespace) -> None:
    if planned.missing:
        needed = "; ".join(f"{one.name} ({one.how})" for one in planned.missing)
        raise NothingSet(f"Nothing was set. Missing: {needed}")
    if broken := [name for name, value in planned.values.items() if "\n" in value]:
        raise NothingSet(f"Nothing was set: {', '.join(broken)} must be one line")
    cut = [name for name, value in planned.values.items() if "#" in value]
    if cut and options.target == "fly":
        named = ", ".join(cut)
        raise NothingSet(f"Nothing was set: {named} contains #, where flyctl would cut the value")
    found = validate(planned.values, "production", options.target).faults
    if faults := [f for f in found if not (" is missing" in f and f.split()[0] in present)]:
        raise NothingSet(f"Nothing was set: {'; '.join(faults)}")


def _print(planned: SecretPlan) -> None:
    for name in planned.values:
        source = "generated" if name in planned.made else "as given"
        console.print(f"  {name}: {source}")
    for name in planned.kept:
        console.print(f"  [dim]{name}: unchanged[/]")


def _require_confirmation(planned: SecretPlan, options: argparse.Namespace) -> None:
    for secret in planned.replaced:
        note = f": {secret.when_replaced}" if secret.when_replaced else ""
        console.print(f"  [yellow]{secret.name} is replaced{note}[/]")
    if options.yes:
        return
    if not sys.stdin.isatty():
        raise NothingSet("Nothing was set. There is no terminal to ask on: confirm with --yes.")
    if not confirm("Set them?"):
        raise NothingSet("Nothing was set.")


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="secrets",
        description="Sets the service's secrets. Takes them from FILE or the environment, generates"
        " the random ones, and asks for the others. On Fly.io it also sets all other settings of"
        " FILE; for functions FILE may have secrets only. A variable of FILE that would not arrive"
        " is refused. Values are never printed or written to disk.",
    )
    parser.add_argument("app", nargs="?", metavar="APP", help="the app's name on Fly.io")
    parser.add_argument("--target", choices=("fly", "lambda"), default="fly")
    parser.add_argument("--stage", default="dev", help="of the functions (default: %(default)s)")
    parser.add_argument(
        "--region",
        default=os.environ.get("REGION") or default_region(),
        help="of the functions; default: REGION, else that in serverless.yml",
    )
    parser.add_argument("--file", type=Path, help="variables, as in .env.production.example")
    parser.add_argument("--dry-run", action="store_true", help="only print what would be set")
    parser.add_argument("--yes", action="store_true", help="don't ask for confirmation")
    options = parser.parse_args(arguments)
    if options.target == "fly" and not options.app:
        parser.error("APP is missing: secrets APP")
    return options


if __name__ == "__main__":
    sys.exit(main())
