"""Run checks one after the other, each with a timeout, and print their results."""

import argparse
import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from rich.console import Console

_DEADLINE_S = 5.0


class CheckFailed(Exception):
    """A check failed; the message says what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Check:
    """A named check.

    `look` returns a message; it raises `CheckFailed` or its library's exceptions.
    """

    name: str
    look: Callable[[], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The outcome of one check and its duration in ms."""

    name: str
    passed: bool
    ms: float
    message: str


async def run_checks(
    checks: Sequence[Check], explain: Callable[[Exception], str], deadline_s: float = _DEADLINE_S
) -> list[CheckResult]:
    """Run all checks; `explain` turns a library's exception into a message."""
    return [await _run(check, explain, deadline_s) for check in checks]


async def _run(check: Check, explain: Callable[[Exception], str], deadline_s: float) -> CheckResult:
    started = time.monotonic()
    try:
        async with asyncio.timeout(deadline_s):
            message, passed = await check.look(), True
    except TimeoutError:
        message, passed = f"no answer within {deadline_s:.0f} s", False
    except CheckFailed as fault:
        message, passed = str(fault), False
    except Exception as error:  # one failed check must not stop the others
        message, passed = explain(error), False
    return CheckResult(check.name, passed, (time.monotonic() - started) * 1000, message)


def check_parser(script: str, description: str) -> argparse.ArgumentParser:
    """Return the parser of the command line of a check script, with `--json`."""
    parser = argparse.ArgumentParser(prog=script, description=description)
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    return parser


def print_results(title: str, results: Sequence[CheckResult], *, as_json: bool) -> int:
    """Print the results; return the exit code."""
    all_passed = all(result.passed for result in results)
    if as_json:
        checks = [
            {"name": r.name, "ok": r.passed, "ms": round(r.ms, 2), "message": r.message}
            for r in results
        ]
        print(json.dumps({"target": title, "ok": all_passed, "checks": checks}))
    else:
        _print_table(title, results)
    return 0 if all_passed else 1


def _print_table(title: str, results: Sequence[CheckResult]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"[bold]{title}[/]")
    width = max(len(result.name) for result in results)
    for result in results:
        mark = "[green]✓[/]" if result.passed else "[red]✗[/]"
        console.print(f"{mark} {result.name:<{width}}  {result.ms:7.1f} ms  ", end="")
        console.print(result.message, markup=False)
