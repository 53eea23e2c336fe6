"""`python -m infra.advisories`: check the locked dependencies for known vulnerabilities.

The check is skipped when no advisory database can be reached; with `REQUIRE_ALL=1` it fails.
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
class AuditReport:
    """Result of the audit; `unknown` are dependencies that the advisory database doesn't have."""

    vulnerable: list[str]
    unknown: list[str]
    known: int


def read_report(dependencies: list[dict[str, Any]]) -> AuditReport:
    """Parse the `dependencies` of pip-audit's JSON output."""
    vulnerable = [
        f"{dependency['name']} {dependency['version']}: {found['id']}"
        for dependency in dependencies
        for found in dependency.get("vulns", ())
    ]
    unknown = [d["name"] for d in dependencies if "skip_reason" in d]
    return AuditReport(vulnerable, unknown, len(dependencies) - len(unknown))


def exit_status(report: AuditReport | None, *, require_all: bool) -> tuple[int, str]:
    """Return the exit code and the line to print."""
    if report is None or not report.known:
        return int(require_all), "advisories: skipped, no advisory database can be reached"
    if report.vulnerable:
        return 1, "advisories: " + "; ".join(report.vulnerable)
    if report.unknown:
        line = f"advisories: none known; not checked: {', '.join(report.unknown)}"
        return int(require_all), line
    return 0, f"advisories: none known for {report.known} dependencies"


def main() -> None:
    """Run the audit, print its result and exit with its code."""
    code, line = exit_status(_run_audit(), require_all=os.environ.get("REQUIRE_ALL") == "1")
    print(line)
    sys.exit(code)


def _run_audit() -> AuditReport | None:
    """Audit both lock files; return None when pip-audit gives no result."""
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
