"""Reports a run: prints the figures and limits, writes JSON and a picture."""

import math
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from tests.load.picture import draw
from tests.load.run import Record
from tests.load.verdict import LimitCheck, check_limits, figures_of


def report(record: Record, folder: Path, console: Console) -> int:
    """Print and write the figures; return the exit code."""
    scenario, figures = record.scenario, figures_of(record)
    validity, checks = (
        check_limits(figures, scenario.validity),
        check_limits(figures, scenario.limits),
    )
    folder.mkdir(parents=True, exist_ok=True)
    errors = dict(record.results.errors.most_common(20))
    limits = {one.limit.figure: one.limit.most for one in (*validity, *checks)}
    passed = all(one.passed for one in (*validity, *checks))
    document = {"scenario": scenario, "figures": figures, "limits": limits, "errors": errors}
    encoded = msgspec.json.encode(document | {"passed": passed})
    (folder / "figures.json").write_bytes(msgspec.json.format(encoded) + b"\n")
    draw(record, folder / "latency.png")
    _print(figures, errors, console)
    console.print(_table(scenario.name, [*validity, *checks]))
    console.print(f"{folder / 'figures.json'}, {folder / 'latency.png'}", soft_wrap=True)
    if not all(one.passed for one in validity):
        console.print("The generator didn't keep its rate: the figures are invalid.")
    return 0 if passed else 1


def _print(figures: dict[str, float], errors: dict[str, int], console: Console) -> None:
    for name, value in figures.items():
        console.print(f"  {name}: {_brief(value)}")
    for error, times in errors.items():
        console.print(f"  {times} x {error}", markup=False, soft_wrap=True)


def _table(name: str, checks: list[LimitCheck]) -> Table:
    table = Table(title=name)
    table.add_column("figure")
    table.add_column("measured", justify="right")
    table.add_column("at most", justify="right")
    table.add_column("")
    for one in checks:
        measured = "not measured" if one.value is None else _brief(one.value)
        word = "[green]pass[/]" if one.passed else "[red]FAIL[/]"
        table.add_row(one.limit.figure, measured, f"{one.limit.most:g}", word)
    return table


def _brief(value: float) -> str:
    if math.isinf(value):
        return "above the largest histogram bucket"
    return f"{value:.0f}" if value == int(value) or abs(value) >= 1000 else f"{value:.2f}"
