"""The figures of an instance tell what it did; what is shown and warned of is among them."""

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
from tests.infra.monitoring.playing import Played, play
from tests.infra.monitoring.scraping import described, scraped, series, value

_FOLDER = Path(dashboard.__file__).parent
_NAME = re.compile(r"(?<!:)\b((?:synckairos|process)_\w+)(?:\{([^}]*)\})?")
_LABEL = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
_GROUPING = re.compile(r"\bby \(([^)]*)\)")

_SCRAPERS_OWN = {"app", "instance", "job", "le"}
"""Labels that Prometheus adds, and that of its histograms."""


@pytest.fixture(scope="module")
def metrics(played: Played) -> list[Metric]:
    """What an instance shows that has done a little of everything."""
    asyncio.run(play(played))
    return scraped(played.metrics_url)


def expressions() -> Iterator[str]:
    """Every expression of the dashboard, the rules and the alerts."""
    shown = json.loads(dashboard.FILE.read_text())
    for panel in shown["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))
    for file in ("recording.yml", "alerts.yml"):
        for group in yaml.safe_load((_FOLDER / file).read_text())["groups"]:
            yield from (rule["expr"] for rule in group["rules"])


def test_the_list_of_metrics_is_what_is_exported(metrics: list[Metric]) -> None:
    listed = yaml.safe_load((_FOLDER / "metrics.yml").read_text())
    assert [described(metric) for metric in metrics] == listed


@pytest.mark.parametrize("expression", sorted(set(expressions())))
def test_what_is_shown_or_warned_of_is_exported(expression: str, metrics: list[Metric]) -> None:
    there = series(metrics)
    names = _NAME.findall(expression)
    for name, selected in names:
        assert name in there
        assert set(_LABEL.findall(selected)) <= there[name] | _SCRAPERS_OWN
    grouped = {label.strip() for by in _GROUPING.findall(expression) for label in by.split(",")}
    known = {label for name, _ in names for label in there[name]}
    assert grouped <= known | _SCRAPERS_OWN


def test_pushes_are_measured_once_for_all_sockets_of_a_session(metrics: list[Metric]) -> None:
    # Four changes of a game; a start, a flag and the state it left.
    assert value(metrics, "synckairos_delivery_latency_ms_count") == 7
    assert 0 <= value(metrics, "synckairos_delivery_latency_ms_sum") < 7 * 1_000


def test_switches_and_expiries_are_measured(metrics: list[Metric]) -> None:
    assert value(metrics, "synckairos_switch_cycle_duration_ms_count") == 2
    assert value(metrics, "synckairos_expiry_lateness_ms_count") >= 1


def test_the_clock_is_within_its_error_of_this_machines(metrics: list[Metric]) -> None:
    offset = value(metrics, "synckairos_clock_offset_ms")
    error = value(metrics, "synckairos_clock_error_ms")
    assert math.isfinite(offset)
    assert 0 < error < 50
    assert abs(offset) <= error + 2  # here they are one; ours is rounded to the millisecond


def test_the_event_loop_is_watched(metrics: list[Metric]) -> None:
    assert value(metrics, "synckairos_event_loop_lag_ms_count") > 5


def test_memory_is_shown_with_its_limit(metrics: list[Metric]) -> None:
    used = value(metrics, "process_resident_memory_bytes")
    assert 0 < used < value(metrics, "synckairos_memory_limit_bytes")


def test_the_file_of_the_dashboard_is_as_it_is_described() -> None:
    assert dashboard.FILE.read_text() == dashboard.dashboard_json()


def test_panels_neither_overlap_nor_share_a_number() -> None:
    panels: list[dict[str, Any]] = dashboard.dashboard()["panels"]
    taken = [cell for panel in panels for cell in _cells(panel["gridPos"])]
    assert len(taken) == len(set(taken))
    assert len({panel["id"] for panel in panels}) == len(panels)


def _cells(place: dict[str, int]) -> Iterator[tuple[int, int]]:
    for x in range(place["x"], place["x"] + place["w"]):
        yield from ((x, y) for y in range(place["y"], place["y"] + place["h"]))
