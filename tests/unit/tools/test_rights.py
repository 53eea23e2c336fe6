"""docs/security.md: its rights table matches the code, and the tests that it names exist."""

from pathlib import Path

from infra.docs.rights_table import rights_table

_ROOT = Path(__file__).parents[3]


def test_the_documented_rights_match_the_code() -> None:
    assert rights_table() in (_ROOT / "docs/security.md").read_text()


def test_every_test_that_the_document_names_exists() -> None:
    promised = (_ROOT / "docs/security.md").read_text().partition("## Guarantees")[2]
    cells = [line.rpartition(" | ")[2] for line in promised.splitlines() if line.startswith("| ")]
    named = [part for cell in cells[1:] for part in cell.split("`")[1::2]]
    assert len(named) > 20
    missing = [
        name
        for name in named
        if not any((_ROOT / f / name).exists() for f in ("tests", "tests/integration", "."))
    ]
    assert missing == []
