"""The scaling and knee measurements: small copies, and reports of made-up figures."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from tests.load import knee
from tests.load.__main__ import main
from tests.load.bench.figures import Figures
from tests.load.scaling.command import report
from tests.load.scaling.measure import Measured, measure
from tests.load.scaling.parts import CLUSTER, PARTS, Size
from tests.load.scaling.words import bottlenecks, core_count
from tests.load.usage import Role, Usage, cpu_percent, read_usage

needs_wrk = pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
BUSY: dict[Role, list[float]] = {
    "service": [50.0, 30.0],
    "Redis": [16.0],
    "Postgres": [4.0],
    "generator": [10.0],
}


@pytest.fixture(autouse=True)
def _short_warm_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.load.scaling.measure._WARM_UP_S", 1)


@needs_wrk
def test_switches_are_measured_at_all_instances() -> None:
    found = measure(Size(2, instances=2, sessions=8), 1, ignore_progress)
    assert found.rate > 0
    assert found.errors == 0
    assert len(found.busy["service"]) == 2
    assert all(used > 0 for used in found.busy["service"])
    assert len(found.busy["Redis"]) == 1
    assert found.cost_us("service") > found.cost_us("Redis") > 0


@needs_wrk
def test_on_a_cluster_the_keys_are_spread_over_three_primaries() -> None:
    found = measure(Size(1, CLUSTER, cluster=True, sessions=30), 1, ignore_progress)
    assert found.errors == 0
    assert len(found.busy["Redis"]) == 6
    assert sum(used > 0 for used in found.busy["Redis"]) >= 3


def test_each_socket_of_a_session_gets_each_switch() -> None:
    found = measure(Size(20, sessions=1, sockets=20, rate=20), 1, ignore_progress)
    assert found.errors == 0
    assert found.rate == 20
    assert found.delivery is not None
    assert 0 < found.delivery.p50_ms <= found.delivery.p99_ms


def test_a_part_writes_tables_figures_and_a_picture(tmp_path: Path) -> None:
    for part in {part.has_sockets: part for part in PARTS.values()}.values():
        output = StringIO()
        delivery = Figures(None, 5.0, 9.0, 12.0) if part.has_sockets else None
        found = [make_measured(size, delivery=delivery) for size in part.sizes]
        report(part, found, tmp_path, Console(file=output, width=200))
        document = json.loads((tmp_path / "figures.json").read_text())
        assert [one["rate"] for one in document["measured"]] == [1000.0] * len(part.sizes)
        assert (tmp_path / f"{part.name}.png").read_bytes().startswith(b"\x89PNG")
        assert f"| {part.axis}" in output.getvalue()
        assert output.getvalue().count("With a core each") == (0 if delivery else len(part.sizes))


@pytest.mark.parametrize(
    ("busy", "reason"),
    [
        ({"service": [100.0 * core_count()]}, f"all {core_count()} cores of the machine were full"),
        ({"service": [95.0], "Redis": [1.0]}, "the event loop of one instance filled its core"),
        ({"service": [5.0], "Redis": [96.0]}, "one Redis filled its core"),
        ({"service": [5.0], "Redis": [1.0]}, "the processor was not the limit"),
        ({"service": [90.0], "other programs": [60.0]}, "measure on a quiet machine"),
    ],
)
def test_processor_use_determines_the_reported_bottleneck(
    busy: dict[Role, list[float]], reason: str
) -> None:
    (sentence,) = bottlenecks(PARTS["scale-instances"], [make_measured(Size(1), busy=busy)])
    assert reason in sentence


def test_a_late_generator_makes_the_figures_invalid() -> None:
    found = replace(make_measured(Size(1)), late_ms=26.0)
    (sentence,) = bottlenecks(PARTS["scale-sockets"], [found])
    assert "the generator was late (p99 26 ms)" in sentence


def test_rates_for_more_cores_follow_from_the_processor_time_per_switch() -> None:
    found = make_measured(Size(1))
    assert found.cost_us("service") == 800
    (sentence,) = bottlenecks(PARTS["scale-instances"], [found])
    assert sentence.endswith("an instance could do 1250 switches/s and Redis 6250.")


def test_processor_use_is_percent_of_a_core_by_process_and_the_rest_is_other_programs() -> None:
    before = Usage(10.0, {("service", 1): 5.0, ("Redis", 2): 1.0}, machine_s=100.0)
    now = {("service", 1): 6.0, ("service", 3): 1.5, ("Redis", 2): 1.2}
    found = cpu_percent(before, Usage(12.0, now, machine_s=104.0))  # type: ignore[arg-type] # roles are text
    assert found["service"] == pytest.approx([75.0, 50.0])
    assert found["Redis"] == pytest.approx([10.0])
    assert found["other programs"] == pytest.approx([65.0])


def test_processor_time_of_ended_children_is_counted() -> None:
    before = read_usage([])
    work = "import time\nwhile time.process_time() < 0.2: pass"
    subprocess.run([sys.executable, "-c", work], check=True)
    used = cpu_percent(before, read_usage([]))["generator"]
    elapsed_s = read_usage([]).at_s - before.at_s
    assert sum(used) * elapsed_s / 100 >= 0.19  # the kernel counts in ticks of 10 ms


def test_the_knee_is_the_last_rate_within_the_limits() -> None:
    p95 = {100.0: 5.0, 200.0: 49.0, 300.0: 51.0, 400.0: 5.0}
    steps = knee.search(list(p95), lambda rate: {"switch p95 ms": p95[rate], "errors %": 0.0})
    assert [step.rate for step in steps] == [100, 200, 300]
    assert "The knee is at 200 requests/s (" in knee.conclusion(steps)
    output = StringIO()
    Console(file=output, width=200).print(knee.table(steps))
    assert "300" in output.getvalue()
    assert "400" not in output.getvalue()


def test_errors_end_the_search_too() -> None:
    errors = {100.0: 0.1, 200.0: 0.2}
    steps = knee.search(list(errors), lambda rate: {"switch p95 ms": 1, "errors %": errors[rate]})
    assert [step.is_within_limits for step in steps] == [True, False]


@pytest.mark.parametrize(
    ("rates", "words"),
    [([100.0], "at 100 requests/s, or more"), ([900.0], "Not even 900 requests/s")],
)
def test_a_knee_outside_the_tested_rates_is_reported(rates: list[float], words: str) -> None:
    steps = knee.search(rates, lambda rate: {"switch p95 ms": rate / 4, "errors %": 0.0})
    assert words in knee.conclusion(steps)


@pytest.mark.parametrize("name", [*PARTS, "scaling", "knee"])
def test_an_invalid_option_of_a_measurement_is_refused(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([name, "--seconds", "long"])
    assert "invalid float value: 'long'" in capsys.readouterr().err


def make_measured(size: Size, busy: Any = BUSY, delivery: Figures | None = None) -> Measured:
    """Return made-up figures of a thousand switches per second."""
    return Measured(size, 1000.0, Figures(1000.0, 3.0, 6.0, 9.0), delivery, busy, 0)


def ignore_progress(_: str) -> None:
    """Ignore progress."""
