"""A known vulnerability stops the build; a database that is away doesn't, but is told of."""

import pytest

from infra.advisories import Report, read_report, verdict


def test_what_is_vulnerable_is_named_with_its_advisory() -> None:
    report = read_report(
        [
            {"name": "sound", "version": "1.0", "vulns": []},
            {"name": "leaky", "version": "2.0", "vulns": [{"id": "PYSEC-2026-1"}]},
            {"name": "unheard-of", "skip_reason": "not found"},
        ]
    )
    assert report == Report(["leaky 2.0: PYSEC-2026-1"], ["unheard-of"], 2)
    assert verdict(report, require_all=False) == (1, "advisories: leaky 2.0: PYSEC-2026-1")


@pytest.mark.parametrize("report", [None, Report([], ["a", "b"], 0)])
def test_nobody_who_could_be_asked_is_a_visible_skip(report: Report | None) -> None:
    code, line = verdict(report, require_all=False)
    assert (code, "skipped" in line) == (0, True)
    assert verdict(report, require_all=True)[0] == 1


def test_where_nothing_is_known_all_is_well() -> None:
    assert verdict(Report([], [], 90), require_all=True)[0] == 0
    assert verdict(Report([], ["odd"], 90), require_all=False) == (
        0,
        "advisories: none known; not checked: odd",
    )
