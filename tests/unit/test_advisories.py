"""A known vulnerability stops the build; a database that is away doesn't, but is told of."""

import pytest

from infra.advisories import AuditReport, exit_status, read_report


def test_what_is_vulnerable_is_named_with_its_advisory() -> None:
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
def test_nobody_who_could_be_asked_is_a_visible_skip(report: AuditReport | None) -> None:
    code, line = exit_status(report, require_all=False)
    assert (code, "skipped" in line) == (0, True)
    assert exit_status(report, require_all=True)[0] == 1


def test_where_nothing_is_known_all_is_well() -> None:
    assert exit_status(AuditReport([], [], 90), require_all=True)[0] == 0
    assert exit_status(AuditReport([], ["odd"], 90), require_all=False) == (
        0,
        "advisories: none known; not checked: odd",
    )
