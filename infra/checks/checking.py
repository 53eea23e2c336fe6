"""Checks one after the other, each with its deadline, its latency and what it found."""

import argparse
import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from rich.console import Console

_DEADLINE_S = 5.0


class Unsound(Exception):
    """What was found is not as it must be; says what to do."""


@dataclass(frozen=True, slots=True)
class Check:
    """`look` returns what is worth telling. It raises `Unsound`, or whatever its library does."""

    name: str
    look: Callable[[], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Found:
    """How one check went."""

    name: str
    is_good: bool
    ms: float
    said: str


async def look(
    checks: Sequence[Check], explain: Callable[[Exception], str], deadline_s: float = _DEADLINE_S
) -> list[Found]:
    """Make all of them; `explain` puts a library's exception into a sentence."""
    return [await _one(check, explain, deadline_s) for check in checks]


async def _one(check: Check, explain: Callable[[Exception], str], deadline_s: float) -> Found:
    begun = time.monotonic()
    try:
        async with asyncio.timeout(deadline_s):
            said, is_good = await check.look(), True
    except TimeoutError:
        said, is_good = f"no answer within {deadline_s:.0f} s", False
    except Unsound as fault:
        said, is_good = str(fault), False
    except Exception as error:  # whatever it is, the other checks are worth making
        said, is_good = explain(error), False
    return Found(check.name, is_good, (time.monotonic() - begun) * 1000, said)


def wants_json(script: str, about: str) -> bool:
    """The one option of such a script."""
    parser = argparse.ArgumentParser(prog=script, description=about)
    parser.add_argument("--json", action="store_true", help="for machines")
    return bool(parser.parse_args().json)


def tell(title: str, found: Sequence[Found], *, as_json: bool) -> int:
    """Show it; returns the exit code."""
    is_good = all(one.is_good for one in found)
    if as_json:
        checks = [
            {"name": o.name, "ok": o.is_good, "ms": round(o.ms, 2), "message": o.said}
            for o in found
        ]
        print(json.dumps({"target": title, "ok": is_good, "checks": checks}))
    else:
        _show(title, found)
    return 0 if is_good else 1


def _show(title: str, found: Sequence[Found]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"[bold]{title}[/]")
    width = max(len(one.name) for one in found)
    for one in found:
        mark = "[green]✓[/]" if one.is_good else "[red]✗[/]"
        console.print(f"{mark} {one.name:<{width}}  {one.ms:7.1f} ms  ", end="")
        console.print(one.said, markup=False)
