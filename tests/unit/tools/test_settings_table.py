"""docs/settings.md: its table matches the code."""

from pathlib import Path

from infra.docs.settings_table import settings_table
from shared.settings.settings import Settings

_PAGE = Path(__file__).parents[3] / "docs/settings.md"


def test_the_documented_settings_match_the_code() -> None:
    assert settings_table() in _PAGE.read_text()


def test_each_setting_has_one_row_with_meaning_and_default() -> None:
    rows = [row.split("|") for row in settings_table().splitlines()[2:]]
    assert [row[1].strip(" `").lower() for row in rows] == list(Settings.model_fields)
    assert all(len(row) == 5 and row[2].strip() and row[3].strip() for row in rows)
