"""Metrics have the right values; dashboard, rules and alerts use only exported metrics."""

import asyncio
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.metrics_core import Metric

from infra.monitoring import dashboard
from tests.infra.monitoring.playing import (
    MonitoredInstance,
    generate_traffic,
    play_test_session,
)
from tests.infra.monitoring.scraping import describe, label_names_by_series, metric_value, scrape

_FOLDER = Path(dashboard.__file__).parent
_NAME = re.compile(r"(?<!:)\b((?:synckairos|process)_\w+)(?:\{([^}]*)\})?")
_LABEL = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
_GROUPING = re.compile(r"\bby \(([^)]*)\)")

_SCRAPER_LABELS = {"app", "instance", "job", "le"}
"""Labels that Prometheus adds, and the label of histogram buckets."""


@pytest.fixture(scope="module")
def metrics(monitored: MonitoredInstance) -> list[Metric]:
    """The metrics of an instance after some traffic of each kind."""
    asyncio.run(generate_traffic(monitored))
    return scrape(monitored.metrics_url)


def expressions() -> Iterator[str]:
    """Yield each expression of the dashboard, the recording rules and the alerts."""
    shown = json.loads(dashboard.FILE.read_text())
    for panel in shown["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))
    for file in ("recording.yml", "alerts.yml"):
        for group in yaml.safe_load((_FOLDER / file).read_text())["groups"]:
            yield from (rule["expr"] for rule in group["rules"])


def test_metrics_yml_lists_the_exported_metrics(metrics: list[Metric]) -> None:
    listed = yaml.safe_load((_FOLDER / "metrics.yml").read_text())
    assert [describe(metric) for metric in metrics] == listed


@pytest.mark.parametrize("expression", sorted(set(expressions())))
def test_each_expression_uses_exported_series_and_labels(
    expression: str, metrics: list[Metric]
) -> None:
    there = label_names_by_series(metrics)
    names = _NAME.findall(expression)
    for name, selected in names:
        assert name in there
        assert set(_LABEL.findall(selected)) <= there[name] | _SCRAPER_LABELS
    grouped = {label.strip() for by in _GROUPING.findall(expression) for label in by.split(",")}
    known = {label for name, _ in names for label in there[name]}
    assert grouped <= known | _SCRAPER_LABELS


def test_a_push_is_measured_once_for_all_sockets_of_a_session(metrics: list[Metric]) -> None:
    # Four changes of a game; in the other session a start, an expiry and the state after it.
    assert metric_value(metrics, "synckairos_delivery_latency_ms_count") == 7
    assert 0 <= metric_value(metrics, "synckairos_delivery_latency_ms_sum") < 7 * 60_000


async def test_a_test_session_is_in_no_figure_of_production(
    monitored: MonitoredInstance, metrics: list[Metric]
) -> None:
    await play_test_session(monitored)
    after = scrape(monitored.metrics_url)
    for figure in (
        "active_sessions",
        "http_requests_total",
        "tenant_requests_total",
        "switch_cycle_duration_ms_count",
        "expiry_lateness_ms_count",
        "delivery_latency_ms_count",
    ):
        name = f"synckairos_{figure}"
        assert metric_value(after, name) == metric_value(metrics, name), figure


def test_switches_and_expiries_are_measured(metrics: list[Metric]) -> None:
    assert metric_value(metrics, "synckairos_switch_cycle_duration_ms_count") == 2
    assert metric_value(metrics, "synckairos_expiry_lateness_ms_count") >= 1


def test_the_clock_differs_from_that_of_the_machine_by_at_most_its_error(
    metrics: list[Metric],
) -> None:
    offset = metric_value(metrics, "synckairos_clock_offset_ms")
    error = metric_value(metrics, "synckairos_clock_error_ms")
    assert math.isfinite(offset)
    assert 0 < error < 5_000
    # Both clocks are the machine's; the service rounds its time to 1 ms.
    assert abs(offset) <= error + 2


def test_event_loop_lag_is_measured(metrics: list[Metric]) -> None:
    assert metric_value(metrics, "synckairos_event_loop_lag_ms_count") > 5


def test_memory_is_exported_with_its_limit(metrics: list[Metric]) -> None:
    used = metric_value(metrics, "process_resident_memory_bytes")
    assert 0 < used < metric_value(metrics, "synckairos_memory_limit_bytes")


def test_the_dashboard_file_is_up_to_date() -> None:
    assert dashboard.FILE.read_text() == dashboard.dashboard_json()


def test_panels_neither_overlap_nor_share_an_id() -> None:
    panels: list[dict[str, Any]] = dashboard.dashboard()["panels"]
    taken = [cell for panel in panels for cell in _cells(panel["gridPos"])]
    assert len(taken) == len(set(taken))
    assert len({panel["id"] for panel in panels}) == len(panels)


def _cells(place: dict[str, int]) -> Iterator[tuple[int, int]]:
    for x in range(place["x"], place["x"] + place["w"]):
        yield from ((x, y) for y in range(place["y"], place["y"] + place["h"]))
