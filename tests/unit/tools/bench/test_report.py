"""The report of a benchmark run."""

from io import StringIO

from rich.console import Console

from tests.load.bench import report
from tests.load.bench.audit_trail import AuditLatency
from tests.load.bench.figures import Figures
from tests.load.bench.pushes import PushFigures
from tests.load.bench.runner import AUDITED_SUFFIX, Comparison, Memory, Results

SERVICE, BASELINE, NATIVE_BASELINE = (
    Figures(rate, 1.0, 2.0, 3.0) for rate in (900.0, 1000.0, 1200.0)
)


def test_each_comparison_has_the_service_both_baselines_and_both_ratios() -> None:
    lines = printed(results(NATIVE_BASELINE)).splitlines()
    row = next(line for line in lines if line.startswith("| switch "))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells == ["switch", "900", "1.00", "2.00", "3.00", "1000", "0.90", "1200", "0.75"]


def test_the_baselines_latencies_are_listed_once_for_each_scenario() -> None:
    text = printed(results(NATIVE_BASELINE))
    assert text.count(f"| switch{AUDITED_SUFFIX}") == 1
    assert text.count("| switch ") == 2


def test_errors_of_the_second_baseline_count() -> None:
    assert results(NATIVE_BASELINE).errors == 0
    assert results(Figures(1200.0, 1.0, 2.0, 3.0, errors=4)).errors == 8


def results(native_baseline: Figures) -> Results:
    """Invented results of one scenario, without and with the audit trail."""
    comparisons = [
        Comparison(name, SERVICE, BASELINE, 0.9, native_baseline, 0.75)
        for name in ("switch", f"switch{AUDITED_SUFFIX}")
    ]
    trail = AuditLatency(SERVICE, SERVICE, SERVICE)
    pushes = PushFigures(SERVICE, {"websocket": SERVICE})
    memory = Memory(80 * 1024, 84 * 1024)
    return Results(tuple(comparisons), BASELINE, SERVICE, trail, pushes, memory, memory)


def printed(results: Results) -> str:
    """The report as printed on a wide terminal."""
    output = StringIO()
    report.print_report(results, Console(file=output, width=150))
    return output.getvalue()
