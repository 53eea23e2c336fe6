"""Both client libraries know exactly the error codes that the API documents."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from synckairos import ApiError, ErrorCode

from shared.application.errors import ServiceError

_ROOT = Path(__file__).parents[2]
_OWN = {"UNREACHABLE", "UNKNOWN"}
"""Codes of errors that are not the service's."""


def documented() -> set[str]:
    """Return the codes of the table in docs/api.md."""
    table = (_ROOT / "docs/api.md").read_text().split("### Errors")[1].split("## 3.")[0]
    rows = [line.split("|")[2] for line in table.splitlines() if re.match(r"\| \d{3}", line)]
    return set(re.findall(r"`([A-Z_]+)`", " ".join(rows)))


def codes_of(error: type[ServiceError]) -> Iterator[str]:
    """Return the code of a class of errors and of its subclasses."""
    yield error.code
    for each in error.__subclasses__():
        yield from codes_of(each)


def test_the_python_client_has_the_documented_codes() -> None:
    assert set(get_args(ErrorCode)) == documented() | _OWN


def test_the_javascript_client_has_the_same_codes() -> None:
    types = (_ROOT / "clients/js/synckairos.d.ts").read_text()
    union = types.split("export type ErrorCode =")[1].split(";")[0]
    assert re.findall(r'"([A-Z_]+)"', union) == list(get_args(ErrorCode))


def test_every_error_of_the_service_is_documented() -> None:
    assert set(codes_of(ServiceError)) <= documented()


def test_a_misspelled_code_is_a_type_error() -> None:
    error = ApiError(409, "SESSION_EXISTS")
    assert error.code != "SESSION_EXIST"  # type: ignore[comparison-overlap]
