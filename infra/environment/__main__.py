"""`infra/scripts/validate-env`: check whether the service can run with a set of variables."""

import argparse
import sys
from pathlib import Path

from rich.console import Console

from infra.environment.validation import validate
from infra.environment.variables import EnvFileError, read_variables


def main() -> int:
    """Validate the variables and print the findings; return the exit code."""
    options, console = _options(), Console(highlight=False, soft_wrap=True)
    try:
        variables = read_variables(options.file)
    except EnvFileError as failure:
        console.print(str(failure), markup=False)
        return 1
    found = validate(variables, options.stage, options.target)
    for warning in found.warnings:
        console.print(f"[yellow]![/] {warning}")
    for fault in found.faults:
        console.print(f"[red]✗[/] {fault}")
    if not found.faults:
        console.print(f"[green]✓[/] {len(variables)} variables, valid for {options.stage}")
    return 1 if found.faults else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="validate-env", description="Checks whether the service can run with these variables."
    )
    parser.add_argument(
        "file", nargs="?", type=Path, help="a file such as .env (default: the environment)"
    )
    parser.add_argument("--stage", choices=("local", "staging", "production"), default="production")
    parser.add_argument("--target", choices=("fly", "lambda"), default="fly")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
