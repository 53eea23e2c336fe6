"""`python -m tests.load scale-...`: measure a part, print its tables, draw its picture.

Each size has its own servers on free loopback ports, with an audit trail and without limits on
callers. Without sockets the load is a closed loop: wrk sends as many switches as are answered, on
16 connections to each instance. With sockets it is an open loop: switches are sent at a fixed rate,
and latencies count from the due time.

Generator, instances, Redis and Postgres share the machine's cores, and rates stop growing when all
cores are full. The processor use by process shows what more cores would speed up.

The command writes `figures.json` and `PART.png` to `.build/load/PART/` (or `--out`). It exits with
0 if there were no errors, otherwise with 1.
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
from tests.load.scaling.words import bottlenecks, processor_table, speed_table

ALL_PARTS = "scaling"
_SECONDS = 10.0


def main(arguments: list[str], console: Console) -> int:
    """Measure one part, or all; return the exit code."""
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

        def report_phase(number: int, what: str) -> None:
            status.update(f"{part.name}, {number} of {len(part.sizes)}: {what}")

        measurements = [
            measure(size, seconds, partial(report_phase, number))
            for number, size in enumerate(part.sizes, 1)
        ]
    report(part, measurements, folder, console)
    return 1 if any(item.errors for item in measurements) else 0


def report(part: Part, measurements: list[Measured], folder: Path, console: Console) -> None:
    """Print tables and bottlenecks; write the figures and the picture to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {"part": part, "measured": measurements, "bounds": bottlenecks(part, measurements)}
    (folder / "figures.json").write_bytes(
        msgspec.json.format(msgspec.json.encode(document)) + b"\n"
    )
    draw(part, measurements, folder / f"{part.name}.png")
    console.print(f"{part.name}: {part.about}")
    console.print(speed_table(part, measurements))
    console.print("Processor use in percent of one core; `us`: processor time per switch in us:")
    console.print(processor_table(part, measurements))
    for sentence in bottlenecks(part, measurements):
        console.print(sentence, soft_wrap=True)
    console.print(f"{folder / 'figures.json'}, {folder / part.name}.png\n", soft_wrap=True)
