"""A real Prometheus scrapes a real instance, and every panel has something to show."""

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
from tests.infra.monitoring.playing import Played, play
from tests.support.api import CERTIFICATES

_FOLDER = Path(infra.monitoring.__file__).parent
_PATIENCE_S = 20.0
_POLL_S = 0.2

_VARIABLES = {"$app": "synckairos", "$instance": ".*", "$__rate_interval": "1m"}

_HAS_FIGURES = {"All requests", "Switches", "Deliveries", "Lateness of expiries", "Lag", "Memory"}
"""Panels in which a little play leaves curves."""


@contextmanager
def prometheus(port: int, folder: Path) -> Iterator[httpx.Client]:
    """One that scrapes an instance's figures once a second, by our example and our rules."""
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
        with httpx.Client(base_url=f"http://{address}/api/v1", verify=CERTIFICATES) as client:
            yield client
    finally:
        process.terminate()
        process.wait(_PATIENCE_S)


def _configuration(port: int, folder: Path) -> Path:
    said = yaml.safe_load((_FOLDER / "prometheus.yml").read_text())
    said["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    said["rule_files"] = [str(_FOLDER / name) for name in said["rule_files"]]
    said["scrape_configs"][0]["static_configs"][0]["targets"] = [f"127.0.0.1:{port}"]
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(said))
    return file


def asked(client: httpx.Client, expression: str) -> list[float]:
    """The values of an expression, now."""
    for name, chosen in _VARIABLES.items():
        expression = expression.replace(name, chosen)
    answer = client.get("/query", params={"query": expression}).json()
    assert answer["status"] == "success", (expression, answer)
    return [float(one["value"][1]) for one in answer["data"]["result"]]


def panels() -> list[dict[str, Any]]:
    """All that show something."""
    return [panel for panel in dashboard()["panels"] if "targets" in panel]


def is_shown(client: httpx.Client, panel: dict[str, Any]) -> bool:
    """Whether every curve of a panel is there, with a figure where there was play."""
    curves = [asked(client, target["expr"]) for target in panel["targets"]]
    if panel["title"] in _HAS_FIGURES:
        return all(any(math.isfinite(value) for value in curve) for curve in curves)
    return all(curves)


def until_scraped(client: httpx.Client) -> None:
    """Return when the instance was scraped a first time: what it does from then on, rates tell."""
    give_up = time.monotonic() + _PATIENCE_S
    while time.monotonic() < give_up:
        try:
            if asked(client, 'up{job="synckairos"}') == [1]:
                return
        except httpx.TransportError:
            pass  # it listens as soon as it can
        time.sleep(_POLL_S)
    raise AssertionError("Prometheus has not scraped the instance")


def ask_for_time(played: Played) -> None:
    """A request that costs nothing."""
    answer = httpx.get(f"{played.instance.url}/v1/time", verify=CERTIFICATES)
    assert answer.status_code == 200


def test_every_panel_has_something_to_show(played: Played, tmp_path: Path) -> None:
    ask_for_time(played)  # a series tells no rate until it grows
    with prometheus(played.metrics_port, tmp_path) as client:
        until_scraped(client)
        asyncio.run(play(played))
        ask_for_time(played)
        give_up = time.monotonic() + _PATIENCE_S
        empty = panels()
        while empty and time.monotonic() < give_up:
            time.sleep(_POLL_S)
            empty = [panel for panel in empty if not is_shown(client, panel)]
        assert [panel["title"] for panel in empty] == []
        rules = client.get("/rules").json()["data"]["groups"]
        assert [r["lastError"] for g in rules for r in g["rules"] if "lastError" in r] == []
