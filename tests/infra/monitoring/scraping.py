"""The figures of an instance as a scraper reads them."""

from collections.abc import Iterable

import httpx
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from tests.support.api import CERTIFICATES

_OWN_LABELS = {"le"}


def scraped(url: str) -> list[Metric]:
    """All metrics there, without the instants at which their series began."""
    answer = httpx.get(url, verify=CERTIFICATES)
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.text)
    return [family for family in families if not family.name.endswith("_created")]


def series(metrics: Iterable[Metric]) -> dict[str, set[str]]:
    """The label names of every series, by its name."""
    found: dict[str, set[str]] = {}
    for metric in metrics:
        for sample in metric.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def value(metrics: Iterable[Metric], name: str, **labels: str) -> float:
    """The figure of that name, added up over all series that have `labels`."""
    samples: Iterable[Sample] = (s for metric in metrics for s in metric.samples)
    return sum(
        s.value for s in samples if s.name == name and labels.items() <= dict(s.labels).items()
    )


def described(metric: Metric) -> dict[str, object]:
    """One metric as the list of metrics has it."""
    name = f"{metric.name}_total" if metric.type == "counter" else metric.name
    labels = {label for sample in metric.samples for label in sample.labels} - _OWN_LABELS
    return {
        "name": name,
        "type": metric.type,
        "labels": sorted(labels),
        "meaning": metric.documentation,
    }
