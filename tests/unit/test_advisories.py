"""A known vulnerability fails the build; an unreachable database is only reported."""

import pytest

from infra.advisories import AuditReport, exit_status, read_report


def test_a_vulnerable_package_is_named_with_its_advisory() -> None:
    report = read_report(
        [
            {"name": "sound", "version": "1.0", "vulns": []},
            {"name": "leaky", "version": "2.0", "vulns": [{"id": "PYSEC-2026-1"}]},
            {"name": "unheard-of", "skip_reason": "not found"},
        ]
    )
    assert report == AuditReport(["leaky 2.0: PYSEC-2026-1"], ["unheard-of"], 2)
    assert exit_status(report, require_all=False) == (1, "advisories: leaky 2.0: PYSEC-2026-1")


@pytest.mark.parametrize("report", [None, AuditReport([], ["a", "b"], 0)])
def test_an_unreachable_database_is_reported_as_skipped(report: AuditReport | None) -> None:
    code, line = exit_status(report, require_all=False)
    assert (code, "skipped" in line) == (0, True)
    assert exit_status(report, require_all=True)[0] == 1


def test_the_check_passes_without_known_vulnerabilities() -> None:
    assert exit_status(AuditReport([], [], 90), require_all=True)[0] == 0
    assert exit_status(AuditReport([], ["odd"], 90), require_all=False) == (
        0,
        "advisories: none known; not checked: odd",
    )
