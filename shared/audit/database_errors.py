"""Classifies errors of the audit database: an outage, or a fault of the entries.

An outage ends by itself or an operator ends it. Meanwhile the entries wait, and none is moved to
the dead letters. Every other error is a fault of the entries: a retry would fail in the same way.
"""

from shared.application.errors import AuditKeyRefused, AuditUnavailable, EntriesRefused

_OUTAGES = {
    "08": "the connection to it broke",
    "0A": "it doesn't support the statement; it may be a standby",
    "25": "it ended the transaction",
    "25006": "it is read-only",
    "26": "it doesn't know a prepared statement",
    "28": "it refuses the user or the password",
    "2F": "a database function may not write",
    "3D": "the database doesn't exist",
    "3F": "a schema is missing: run the migrations",
    "40": "it rolled back the transaction because of another one",
    "42": "a table, a column or a function is missing: run the migrations",
    "42501": "the database user lacks a privilege: run the migrations",
    "53": "it is out of memory, disk or connections",
    "53100": "its disk is full",
    "53300": "it has too many connections",
    "55": "a row or a table is locked or not ready",
    "57": "it is starting or shutting down, or the query was cancelled",
    "57014": "the query took too long",
    "58": "its operating system reports an error",
    "72": "a snapshot was too old",
    "F0": "its configuration is wrong",
    "HV": "a foreign table fails",
    "XX": "it reports an internal error",
}
"""SQLSTATE classes and codes (PostgreSQL appendix A) of outages.

The longest prefix counts. Poolers use `08` and `XX` for errors of their own. All other classes are
faults of the data: 21 cardinality violation, 22 data exception (22P05: a character that the
database's encoding lacks), 23 integrity constraint, 44 check option, 54 program limit, P0 raised by
a trigger, and custom codes of triggers.
"""

_OF_ONE_STATEMENT = ("21", "22", "23", "40", "42", "44", "54", "55", "57014", "P0")
"""After these errors the connection can still be used."""

_MAYBE_OF_THE_ENTRIES = ("40", "55", "57014", "HV", "XX")
"""Outages with one of these codes may be due to the entries (too many, too slow), and so may those
without an answer or with an HTTP status. All others don't depend on the entries."""

_TOO_LARGE = "413"
_SQLSTATE_LENGTH = 5
_LOCKED = "55P03"


def error_from_code(code: str | None, message: str) -> AuditUnavailable | EntriesRefused:
    """Return the exception for `code`: a SQLSTATE, an HTTP status, a PostgREST code, or None.

    None means no answer. HTTP 413 (RFC 9110 section 15.5.14) is a fault of the entries; every other
    status is an outage.
    """
    if code is None:
        return AuditUnavailable()
    reason = _reason(code)
    if code == _TOO_LARGE or (len(code) == _SQLSTATE_LENGTH and reason is None):
        return EntriesRefused(f"{message} ({code})")
    return AuditUnavailable(reason=f"{reason or 'it fails'} ({code})", answer=code)


def timeout_error(timeout_s: float) -> AuditUnavailable:
    """Return the exception for a query that wasn't answered within `timeout_s` seconds."""
    return AuditUnavailable(reason=f"no answer within {timeout_s:g} s")


def may_be_caused_by_entries(outage: AuditUnavailable) -> bool:
    """Whether writing a smaller batch, or other entries, may succeed."""
    if isinstance(outage, AuditKeyRefused):
        return False
    answer = outage.answer
    if answer is None or len(answer) != _SQLSTATE_LENGTH:
        return True
    return answer.startswith(_MAYBE_OF_THE_ENTRIES)


def is_lock_timeout(outage: AuditUnavailable) -> bool:
    """Whether the query waited too long for a lock that another transaction holds."""
    return outage.answer == _LOCKED


def breaks_connection(code: str | None) -> bool:
    """Whether a connection that answered `code` must not be used again.

    Its server is shutting down, has become a standby or lacks a resource. A new connection may
    reach another server.
    """
    return code is None or not code.startswith(_OF_ONE_STATEMENT)


def _reason(code: str) -> str | None:
    if len(code) != _SQLSTATE_LENGTH:
        return None
    prefixes = (code[:length] for length in range(len(code), 1, -1))
    return next((_OUTAGES[prefix] for prefix in prefixes if prefix in _OUTAGES), None)
