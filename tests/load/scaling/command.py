"""`python -m tests.load scale-...`: measure a part, print its tables, draw its picture.

Every size has servers of its own, on free loopback ports, with an audit trail and without limits on
callers. Without sockets the load is a closed loop: wrk sends as many switches as are answered, on
16 connections to each instance. With sockets it is an open one: switches are sent at a given rate,
and a latency counts from the instant at which the switch was due.

Generator, instances, Redis and Postgres share the machine's cores, so a part ends where those are
full. The processor use of each process tells what would grow on more cores.

Into `.build/load/PART/` (or `--out`): `figures.json` and `PART.png`. Exits with 0 if there were no
errors, otherwise with 1.
"""

import argparse
from functools import partial
from pathlib import Path

import msgspec
from rich.console import Console

from tests.load.bench.wrk import require_wrk
from tests.load.scaling.measure import Measured, measure
from tests.load.scaling.parts import PARTS, Part
from tests.load.scaling.picture import draw
from tests.load.scaling.words import bounds, processors, speeds

ALL_PARTS = "scaling"
_SECONDS = 10.0


def main(arguments: list[str], console: Console) -> int:
    """Measure one part, or all; returns the exit code."""
    options = _options(arguments)
    require_wrk()
    names = list(PARTS) if options.part == ALL_PARTS else [options.part]
    codes = []
    for name in names:
        folder = options.out / name if options.out else Path(".build/load") / name
        codes.append(_measure(PARTS[name], options.seconds, folder, console))
    return max(codes)


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make load")
    parser.add_argument("part", choices=[*PARTS, ALL_PARTS])
    parser.add_argument("--seconds", type=float, default=_SECONDS, help="length of one load")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="default: .build/load")
    return parser.parse_args(arguments)


def _measure(part: Part, seconds: float, folder: Path, console: Console) -> int:
    with console.status(part.about) as status:

        def tell(number: int, what: str) -> None:
            status.update(f"{part.name}, {number} of {len(part.sizes)}: {what}")

        found = [
            measure(size, seconds, partial(tell, number))
            for number, size in enumerate(part.sizes, 1)
        ]
    report(part, found, folder, console)
    return 1 if any(one.errors for one in found) else 0


def report(part: Part, found: list[Measured], folder: Path, console: Console) -> None:
    """Print the tables and sentences, and write the figures and the picture into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    told = {"part": part, "measured": found, "bounds": bounds(part, found)}
    (folder / "figures.json").write_bytes(msgspec.json.format(msgspec.json.encode(told)) + b"\n")
    draw(part, found, folder / f"{part.name}.png")
    console.print(f"{part.name}: {part.about}")
    console.print(speeds(part, found))
    console.print("Processor use in percent of one core; `us`: processor time of one switch:")
    console.print(processors(part, found))
    for sentence in bounds(part, found):
        console.print(sentence, soft_wrap=True)
    console.print(f"{folder / 'figures.json'}, {folder / part.name}.png\n", soft_wrap=True)
