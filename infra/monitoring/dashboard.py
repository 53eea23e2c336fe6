"""The Grafana dashboard; `python -m infra.monitoring.dashboard` writes its JSON file."""

import json
from pathlib import Path
from typing import Any

from infra.monitoring.panels import DATASOURCE, layout
from infra.monitoring.rows import ROWS

FILE = Path(__file__).parent / "grafana" / "synckairos.json"
_SCHEMA = 39


def dashboard() -> dict[str, Any]:
    """Return the dashboard's JSON model; the Prometheus data source is chosen in Grafana."""
    return {
        "title": "SyncKairos",
        "uid": "synckairos",
        "description": "Requests, latencies and errors, and the metrics that explain them.",
        "tags": ["synckairos"],
        "schemaVersion": _SCHEMA,
        "version": 1,
        "editable": True,
        "refresh": "15s",
        "timezone": "browser",
        "graphTooltip": 1,
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [_datasource(), *_variables()]},
        "annotations": {"list": [_restarts()]},
        "panels": layout(ROWS),
    }


def _datasource() -> dict[str, Any]:
    return {
        "name": "datasource",
        "type": "datasource",
        "query": "prometheus",
        "label": "Data source",
    }


def _variables() -> list[dict[str, Any]]:
    return [
        _variable("app", "label_values(synckairos_build_info, app)"),
        _variable("instance", 'label_values(synckairos_build_info{app=~"$app"}, instance)'),
    ]


def _variable(name: str, query: str) -> dict[str, Any]:
    """Return a dashboard variable with the values of a label."""
    return {
        "name": name,
        "label": name.capitalize(),
        "type": "query",
        "datasource": DATASOURCE,
        "definition": query,
        "query": {"query": query, "refId": name},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }


def _restarts() -> dict[str, Any]:
    return {
        "name": "Process starts",
        "datasource": DATASOURCE,
        "enable": True,
        "iconColor": "blue",
        "expr": 'changes(process_start_time_seconds{app=~"$app", instance=~"$instance"}[1m]) > 0',
        "titleFormat": "{{instance}} started",
    }


def dashboard_json() -> str:
    """Return the content of the JSON file."""
    return json.dumps(dashboard(), indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(dashboard_json())
