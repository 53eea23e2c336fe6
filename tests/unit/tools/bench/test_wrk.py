"""Parsing the output of wrk."""

import shutil

import pytest

from tests.load.bench.errors import BenchError
from tests.load.bench.figures import Figures
from tests.load.bench.wrk import parse_summary, require_wrk

OUTPUT = """\
Running 2s test @ http://127.0.0.1:3000
  1 threads and 16 connections
Requests/sec:   1500.00
Transfer/sec:      1.99MB

{"requests": 3000, "duration_us": 2000000, "not_2xx": 2, "broken": 1, \
"p50_us": 1500, "p95_us": 2500, "p99_us": 4125}
"""


def test_the_last_line_holds_the_figures_and_every_error_counts() -> None:
    assert parse_summary(OUTPUT) == Figures(1500.0, 1.5, 2.5, 4.125, errors=3)


def test_without_wrk_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(BenchError, match="apt-get install wrk"):
        require_wrk()
