"""Prometheus scrapes an instance, and each panel of the dashboard has data."""

import asyncio
import math
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

import infra.monitoring
from infra.local.ports import free_port
from infra.monitoring.dashboard import dashboard
from tests.conftest import missing
from tests.infra.monitoring.playing import MonitoredInstance, generate_traffic
from tests.support.api import CERTIFICATES

_FOLDER = Path(infra.monitoring.__file__).parent
_TIMEOUT_S = 20.0
_POLL_S = 0.2

_VARIABLES = {"$app": "synckairos", "$instance": ".*", "$__rate_interval": "1m"}

_PANELS_WITH_TRAFFIC = {
    "All requests",
    "Switches",
    "Deliveries",
    "Lateness of expiries",
    "Lag",
    "Memory",
}
"""Panels that must have finite values after the traffic of `play`."""


@contextmanager
def prometheus(port: int, folder: Path) -> Iterator[httpx.Client]:
    """Run Prometheus with the example configuration and rules; it scrapes `port` every second."""
    program = shutil.which("prometheus")
    if program is None:
        missing("prometheus")
    assert program
    address = f"127.0.0.1:{free_port()}"
    command = [
        program,
        f"--config.file={_configuration(port, folder)}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
        "--log.level=error",
    ]
    process = subprocess.Popen(command)
    try:
        with httpx.Client(
            base_url=f"http://{address}/api/v1", verify=CERTIFICATES, timeout=30
        ) as client:
            yield client
    finally:
        process.terminate()
        process.wait(_TIMEOUT_S)


def _configuration(port: int, folder: Path) -> Path:
    config = yaml.safe_load((_FOLDER / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(_FOLDER / name) for name in config["rule_files"]]
    config["scrape_configs"][0]["static_configs"][0]["targets"] = [f"127.0.0.1:{port}"]
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(config))
    return file


def query(client: httpx.Client, expression: str) -> list[float]:
    """Evaluate an expression now, and return its values. Raises `httpx.HTTPError`."""
    for name, chosen in _VARIABLES.items():
        expression = expression.replace(name, chosen)
    response = client.get("/query", params={"query": expression})
    response.raise_for_status()
    answer = response.json()
    assert answer["status"] == "success", (expression, answer)
    return [float(one["value"][1]) for one in answer["data"]["result"]]


def panels() -> list[dict[str, Any]]:
    """Return all panels with expressions."""
    return [panel for panel in dashboard()["panels"] if "targets" in panel]


def has_data(client: httpx.Client, panel: dict[str, Any]) -> bool:
    """Whether each expression of a panel has a value, a finite one for panels with traffic."""
    curves = [query(client, target["expr"]) for target in panel["targets"]]
    if panel["title"] in _PANELS_WITH_TRAFFIC:
        return all(any(math.isfinite(value) for value in curve) for curve in curves)
    return all(curves)


def wait_for_first_scrape(client: httpx.Client) -> None:
    """Wait for the first scrape; only changes after it appear in rates."""
    give_up = time.monotonic() + _TIMEOUT_S
    while time.monotonic() < give_up:
        try:
            if query(client, 'up{job="synckairos"}') == [1]:
                return
        except httpx.HTTPError:
            pass  # Prometheus doesn't listen yet, or answers 503 while it starts
        time.sleep(_POLL_S)
    raise AssertionError("Prometheus has not scraped the instance")


def request_time(monitored: MonitoredInstance) -> None:
    """Send a cheap request."""
    answer = httpx.get(f"{monitored.instance.url}/v1/time", verify=CERTIFICATES)
    assert answer.status_code == 200


def test_each_panel_has_data(monitored: MonitoredInstance, tmp_path: Path) -> None:
    request_time(monitored)  # a series must exist before the scrape to have a rate
    with prometheus(monitored.metrics_port, tmp_path) as client:
        wait_for_first_scrape(client)
        asyncio.run(generate_traffic(monitored))
        request_time(monitored)
        give_up = time.monotonic() + _TIMEOUT_S
        empty = panels()
        while empty and time.monotonic() < give_up:
            time.sleep(_POLL_S)
            empty = [panel for panel in empty if not has_data(client, panel)]
        assert [panel["title"] for panel in empty] == []
        rules = client.get("/rules").json()["data"]["groups"]
        assert [r["lastError"] for g in rules for r in g["rules"] if "lastError" in r] == []
