"""`make soak`: ten thousand changes while everything dies, then count."""

import argparse
import sys
from dataclasses import fields

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from functions.tools.bench.figures import percentile
from functions.tools.soak.plan import Plan
from functions.tools.soak.run import Report, soak
from functions.tools.soak.stage import SoakFailed
from infra.local.postgres import PostgresFailed
from infra.local.redis_node import NotInTime
from infra.local.supabase import SupabaseFailed
from infra.local.valkey import ValkeyFailed

_FAILURES = (SoakFailed, PostgresFailed, SupabaseFailed, ValkeyFailed, NotInTime)


def main() -> int:
    """Run one soak; returns the exit code."""
    plan, console = _options(), Console(highlight=False)
    try:
        report = _shown(plan, console)
    except _FAILURES as failure:
        console.print(str(failure), soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        return 130
    _tell(report, console)
    return 1 if report.verdict.faults or report.dead_letters else 0


def _options() -> Plan:
    parser = argparse.ArgumentParser(
        prog="make soak", description="Loses nothing, whatever dies: plays, kills, and counts."
    )
    default = Plan()
    for name in ("changes", "sessions", "worker_kills", "service_kills", "seed"):
        _add(parser, name, int, getattr(default, name))
    for name in ("rate", "outage_s", "lag_s"):
        _add(parser, name, float, getattr(default, name))
    parser.add_argument(
        "--supabase", action="store_true", help="write through Supabase's API (needs Node)"
    )
    parser.add_argument(
        "--cluster",
        action="store_true",
        help="play on a Redis Cluster, kill one of its primaries and start it again as a replica",
    )
    options = vars(parser.parse_args())
    return Plan(**{field.name: options[field.name] for field in fields(Plan)})


def _add(parser: argparse.ArgumentParser, name: str, kind: type, default: float) -> None:
    option = f"--{name.replace('_', '-')}"
    parser.add_argument(option, type=kind, default=default, help="default: %(default)s")


def _shown(plan: Plan, console: Console) -> Report:
    columns = (TextColumn("changes"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=plan.changes // plan.sessions * plan.sessions)
        return soak(
            plan,
            lambda: progress.advance(task),
            lambda at, what: progress.console.print(f"{at:6.1f} s  {what}"),
        )


def _tell(report: Report, console: Console) -> None:
    verdict = report.verdict
    console.print(
        f"{report.accepted} changes accepted, {report.retries} retries,"
        f" {report.mishaps} mishaps; at most {report.most_waiting} entries waited,"
        f" and {report.drained_s:.1f} s after the last answer none did.",
        soft_wrap=True,
    )
    lag = {p: percentile(verdict.lags_ms, p) for p in (50, 95, 100)}
    console.print(
        f"{verdict.rows} rows, {verdict.flag_falls} of them flag falls; from change to"
        f" row {lag[50]:.0f} ms at the median, {lag[95] / 1000:.1f} s at p95,"
        f" {lag[100] / 1000:.1f} s at most.",
        soft_wrap=True,
    )
    for fault in verdict.faults[:20]:
        console.print(fault, soft_wrap=True)
    if report.dead_letters:
        console.print(f"{report.dead_letters} entries could not be written.")
    if verdict.lost:
        console.print(
            f"{len(verdict.lost)} changes were lost with the primary that was killed: it had"
            " acknowledged them, and its replica had not got them. The first of them was"
            f" {verdict.oldest_lost_s * 1000:.0f} ms old; {verdict.lost_in_trail} of them are in"
            " the trail.",
            soft_wrap=True,
        )
    if verdict.faults:
        console.print(f"{len(verdict.faults)} faults: changes were lost or doubled.")
    elif not report.dead_letters:
        lost = "Nothing else lost" if verdict.lost else "Nothing lost"
        console.print(f"{lost}, nothing doubled, nothing out of place.")


if __name__ == "__main__":
    sys.exit(main())
