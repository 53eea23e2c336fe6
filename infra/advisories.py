"""`python -m infra.advisories`: whether a locked dependency has a known vulnerability.

An advisory database that can't be reached is said to be skipped; with `REQUIRE_ALL=1` it is a
failure.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[1]
_LOCKS = ("requirements.txt", "requirements-dev.txt")
_OPTIONS = ("--disable-pip", "--require-hashes", "--format", "json", "--progress-spinner", "off")
_TIMEOUT_S = 120


@dataclass(frozen=True, slots=True)
class Report:
    """What is known of the dependencies; `unknown` are those that nobody could be asked about."""

    vulnerable: list[str]
    unknown: list[str]
    known: int


def read_report(dependencies: list[dict[str, Any]]) -> Report:
    """What pip-audit found out."""
    vulnerable = [
        f"{dependency['name']} {dependency['version']}: {found['id']}"
        for dependency in dependencies
        for found in dependency.get("vulns", ())
    ]
    unknown = [d["name"] for d in dependencies if "skip_reason" in d]
    return Report(vulnerable, unknown, len(dependencies) - len(unknown))


def verdict(report: Report | None, *, require_all: bool) -> tuple[int, str]:
    """The exit code and the line to print."""
    if report is None or not report.known:
        return int(require_all), "advisories: skipped, for no advisory database can be reached"
    if report.vulnerable:
        return 1, "advisories: " + "; ".join(report.vulnerable)
    if report.unknown:
        line = f"advisories: none known; skipped {', '.join(report.unknown)}"
        return int(require_all), line
    return 0, f"advisories: none known for {report.known} dependencies"


def main() -> None:
    """Ask, and end with the verdict."""
    code, line = verdict(_asked(), require_all=os.environ.get("REQUIRE_ALL") == "1")
    print(line)
    sys.exit(code)


def _asked() -> Report | None:
    """What pip-audit says of both locks; None when it can't ask anybody."""
    files = [option for lock in _LOCKS for option in ("--requirement", str(_ROOT / lock))]
    command = [sys.executable, "-m", "pip_audit", *_OPTIONS, *files]
    try:
        ran = subprocess.run(
            command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
        return read_report(json.loads(ran.stdout)["dependencies"])
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        return None


if __name__ == "__main__":
    main()
