"""Command line of `make soak`."""

import argparse
import sys
from dataclasses import fields

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from infra.local.postgres import PostgresError
from infra.local.redis_node import WaitTimeout
from infra.local.supabase import SupabaseError
from infra.local.valkey import ValkeyError
from tests.load.bench.figures import percentile
from tests.resilience.soak.environment import SoakError
from tests.resilience.soak.plan import SoakPlan
from tests.resilience.soak.run import SoakReport, run_soak

_FAILURES = (SoakError, PostgresError, SupabaseError, ValkeyError, WaitTimeout)


def main() -> int:
    """Run one soak test and return the exit code."""
    plan, console = _options(), Console(highlight=False)
    try:
        report = _run_with_progress(plan, console)
    except _FAILURES as failure:
        console.print(str(failure), soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        return 130
    _print_report(report, console)
    return 1 if report.verdict.faults or report.dead_letters else 0


def _options() -> SoakPlan:
    parser = argparse.ArgumentParser(
        prog="make soak",
        description="Make changes while servers are killed, then check that none was lost.",
    )
    default = SoakPlan()
    for name in ("changes", "sessions", "worker_kills", "service_kills", "seed"):
        _add(parser, name, int, getattr(default, name))
    for name in ("rate", "outage_s", "lag_s"):
        _add(parser, name, float, getattr(default, name))
    parser.add_argument(
        "--supabase",
        action="store_true",
        help="write the audit trail through Supabase's API (needs Node)",
    )
    parser.add_argument(
        "--cluster",
        action="store_true",
        help="use a Redis Cluster; kill one of its primaries and restart it as a replica",
    )
    options = vars(parser.parse_args())
    return SoakPlan(**{field.name: options[field.name] for field in fields(SoakPlan)})


def _add(parser: argparse.ArgumentParser, name: str, kind: type, default: float) -> None:
    option = f"--{name.replace('_', '-')}"
    parser.add_argument(option, type=kind, default=default, help="default: %(default)s")


def _run_with_progress(plan: SoakPlan, console: Console) -> SoakReport:
    columns = (TextColumn("changes"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=plan.changes // plan.sessions * plan.sessions)
        return run_soak(
            plan,
            lambda: progress.advance(task),
            lambda at, what: progress.console.print(f"{at:6.1f} s  {what}"),
        )


def _print_report(report: SoakReport, console: Console) -> None:
    verdict = report.verdict
    console.print(
        f"{report.accepted} changes accepted, {report.retries} retries,"
        f" {report.mishaps} failures injected; the outbox held at most {report.most_waiting}"
        f" entries and was empty {report.drain_time_s:.1f} s after the last answer.",
        soft_wrap=True,
    )
    lag = {p: percentile(verdict.lags_ms, p) for p in (50, 95, 100)}
    console.print(
        f"{verdict.rows} rows in the trail, {verdict.flag_falls} of them flag falls; from change"
        f" to row: median {lag[50]:.0f} ms, p95 {lag[95] / 1000:.1f} s,"
        f" maximum {lag[100] / 1000:.1f} s.",
        soft_wrap=True,
    )
    for fault in verdict.faults[:20]:
        console.print(fault, soft_wrap=True)
    if report.dead_letters:
        console.print(f"{report.dead_letters} entries could not be written.")
    if verdict.lost:
        console.print(
            f"{len(verdict.lost)} changes were lost with the killed primary: it had acknowledged"
            " them but not replicated them yet. The oldest was acknowledged"
            f" {verdict.oldest_lost_s * 1000:.0f} ms before the kill; {verdict.lost_in_trail} of"
            " them are in the trail.",
            soft_wrap=True,
        )
    if verdict.faults:
        console.print(f"{len(verdict.faults)} errors: changes were lost or duplicated.")
    elif not report.dead_letters:
        changes = "No other change" if verdict.lost else "No change"
        console.print(f"{changes} was lost, duplicated or out of order.")


if __name__ == "__main__":
    sys.exit(main())
