"""Reads the metrics of an instance as a scraper does."""

from collections.abc import Iterable

import httpx
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from tests.support.api import CERTIFICATES

_BUCKET_LABELS = {"le"}


def scrape(url: str) -> list[Metric]:
    """Return all metrics at `url` but the creation times of series."""
    answer = httpx.get(url, verify=CERTIFICATES)
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.text)
    return [family for family in families if not family.name.endswith("_created")]


def label_names_by_series(metrics: Iterable[Metric]) -> dict[str, set[str]]:
    """Return the label names of each series, by the series' name."""
    found: dict[str, set[str]] = {}
    for metric in metrics:
        for sample in metric.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def metric_value(metrics: Iterable[Metric], name: str, **labels: str) -> float:
    """Return the sum of all series with that name and `labels`."""
    samples: Iterable[Sample] = (s for metric in metrics for s in metric.samples)
    return sum(
        s.value for s in samples if s.name == name and labels.items() <= dict(s.labels).items()
    )


def describe(metric: Metric) -> dict[str, object]:
    """Describe a metric in the format of metrics.yml."""
    name = f"{metric.name}_total" if metric.type == "counter" else metric.name
    labels = {label for sample in metric.samples for label in sample.labels} - _BUCKET_LABELS
    return {
        "name": name,
        "type": metric.type,
        "labels": sorted(labels),
        "meaning": metric.documentation,
    }
