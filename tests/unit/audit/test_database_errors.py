"""Classification of the audit database's errors (PostgreSQL appendix A, RFC 9110)."""

import pytest

from shared.application.errors import AuditUnavailable, EntriesRefused
from shared.audit.database_errors import breaks_connection, error_from_code, is_lock_timeout


@pytest.mark.parametrize(
    "code",
    [
        "08006",  # connection failure
        "08P01",  # protocol violation, also an error of a pooler
        "0A000",  # read-write mode on a standby
        "25006",  # read-only transaction
        "25P03",  # idle in transaction for too long
        "25P04",  # transaction timeout
        "26000",  # unknown prepared statement
        "28P01",  # wrong password
        "3D000",  # no such database
        "3F000",  # no such schema
        "40001",  # serialization failure
        "40P01",  # deadlock
        "42501",  # insufficient privilege
        "42P01",  # no such table
        "42703",  # no such column
        "42883",  # no such function
        "53100",  # disk full
        "53200",  # out of memory
        "53300",  # too many connections
        "55P03",  # lock not available
        "57014",  # statement timeout
        "57P01",  # admin shutdown
        "57P02",  # crash shutdown
        "57P03",  # cannot connect now
        "57P05",  # idle session timeout
        "58030",  # I/O error
        "XX000",  # internal error, also of a pooler
        "PGRST002",  # PostgREST without its database
        "PGRST202",  # PostgREST doesn't know the function
        "PGRST301",  # the token was refused
        "401",
        "404",
        "422",
        "429",
        "503",
        "530",
        None,
    ],
)
def test_errors_of_the_server_or_connection_are_outages(code: str | None) -> None:
    assert isinstance(error_from_code(code, "server db-1.internal said no"), AuditUnavailable)


@pytest.mark.parametrize(
    "code",
    [
        "21000",  # one row twice in a batch
        "22003",  # number out of range
        "22P02",  # invalid text, unknown value of an enumeration
        "22P05",  # a character that the encoding can't represent
        "23502",  # not null
        "23514",  # check
        "44000",  # check option of a view
        "54000",  # program limit exceeded: too long for an index
        "54001",  # nested too deep
        "P0001",  # raised by a trigger
        "AB123",  # custom code raised by a trigger
        "413",
    ],
)
def test_errors_of_the_entries_are_refusals_with_reason_and_code(code: str) -> None:
    refusal = error_from_code(code, "value too long")
    assert isinstance(refusal, EntriesRefused)
    assert str(refusal) == f"value too long ({code})"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("25006", "it is read-only (25006)"),
        ("25P03", "it ended the transaction (25P03)"),
        ("53100", "its disk is full (53100)"),
        ("53200", "it is out of memory, disk or connections (53200)"),
        ("42501", "the database user lacks a privilege: run the migrations (42501)"),
        ("404", "it fails (404)"),
        (None, "it can't be reached"),
    ],
)
def test_the_reason_of_an_outage_names_no_host(code: str | None, reason: str) -> None:
    outage = error_from_code(code, "connection to server at db-1.internal (10.0.0.1) failed")
    assert isinstance(outage, AuditUnavailable)
    assert outage.reason == reason


@pytest.mark.parametrize(
    "code", [None, "08006", "25006", "25P03", "53100", "53200", "57P01", "57P03", "58030", "XX000"]
)
def test_errors_of_the_server_end_the_connection(code: str | None) -> None:
    assert breaks_connection(code)


@pytest.mark.parametrize("code", ["22P05", "23505", "40001", "42P01", "55P03", "57014", "P0001"])
def test_errors_of_a_statement_keep_the_connection(code: str) -> None:
    assert not breaks_connection(code)


def test_a_lock_timeout_is_distinguished_from_other_outages() -> None:
    locked, slow = error_from_code("55P03", ""), error_from_code("57014", "")
    assert isinstance(locked, AuditUnavailable)
    assert isinstance(slow, AuditUnavailable)
    assert (is_lock_timeout(locked), is_lock_timeout(slow)) == (True, False)
