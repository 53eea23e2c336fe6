"""What an error of the audit database means: an outage, or a fault of the entries themselves.

An outage passes, or an operator ends it: nothing is parked meanwhile, the entries wait. Everything
else that the database answers is a fault of what was written: it would fail again in the same way.
"""

from shared.errors import AuditUnavailable, EntriesRefused

_OUTAGES = {
    "08": "the connection to it broke",
    "0A": "it can't do what was asked, as a standby can't",
    "25": "it ended our transaction",
    "25006": "it is read-only",
    "26": "it has forgotten a prepared statement",
    "28": "it refuses our user or password",
    "2F": "one of our functions may not write there",
    "3D": "the database doesn't exist",
    "3F": "a schema is missing: run the migrations",
    "40": "it gave way to another transaction",
    "42": "a table, a column or a function is missing: run the migrations",
    "42501": "our user lacks a right: run the migrations",
    "53": "it is out of memory, disk or connections",
    "53100": "its disk is full",
    "53300": "it has too many connections",
    "55": "what was asked for is locked or not ready",
    "57": "it is starting, shutting down or was told to stop our query",
    "57014": "the query took too long",
    "58": "its machine reports an error",
    "72": "it dropped a snapshot that was too old",
    "F0": "its configuration is wrong",
    "HV": "a foreign table fails",
    "XX": "it reports an internal error",
}
"""SQLSTATE classes and codes (PostgreSQL appendix A) that say nothing about an entry.

The longest prefix counts. Poolers use `08` and `XX` for faults of their own. All other classes are
faults of the data: 21 cardinality violation, 22 data exception (22P05: a character that the
database's encoding lacks), 23 integrity constraint, 44 check option, 54 program limit, P0 raised by
a trigger, and codes that a trigger made up.
"""

_OF_ONE_STATEMENT = ("21", "22", "23", "40", "42", "44", "54", "55", "57014", "P0")
"""After these the connection is as good as before."""

_MAYBE_OF_THE_ENTRIES = ("40", "55", "57014", "HV", "XX")
"""An outage with one of these, without an answer or with an HTTP status may be due to what was
written: too much, too slow. All others come whatever is written."""

_TOO_LARGE = "413"
_SQLSTATE_LENGTH = 5
_LOCKED = "55P03"


def failure(code: str | None, message: str) -> AuditUnavailable | EntriesRefused:
    """What `code` means: a SQLSTATE, an HTTP status, a code of PostgREST, or None (no answer).

    HTTP 413 (RFC 9110 section 15.5.14) is about the entries; every other status is an outage.
    """
    if code is None:
        return AuditUnavailable()
    reason = _reason(code)
    if code == _TOO_LARGE or (len(code) == _SQLSTATE_LENGTH and reason is None):
        return EntriesRefused(f"{message} ({code})")
    return AuditUnavailable(reason=f"{reason or 'it fails'} ({code})", answer=code)


def took_too_long(timeout_s: float) -> AuditUnavailable:
    """The failure of a query that wasn't answered within `timeout_s` seconds."""
    return AuditUnavailable(reason=f"no answer within {timeout_s:g} s")


def may_be_due_to_entries(outage: AuditUnavailable) -> bool:
    """Whether a smaller batch, or one of other entries, may be written."""
    answer = outage.answer
    if answer is None or len(answer) != _SQLSTATE_LENGTH:
        return True
    return answer.startswith(_MAYBE_OF_THE_ENTRIES)


def is_lock(outage: AuditUnavailable) -> bool:
    """Whether the query waited for a lock that another transaction held for too long."""
    return outage.answer == _LOCKED


def ends_connection(code: str | None) -> bool:
    """Whether a connection that answered `code` must not be used again.

    Its server is going away, has become a standby or has run out of something: a new connection
    may reach another server, this one never will.
    """
    return code is None or not code.startswith(_OF_ONE_STATEMENT)


def _reason(code: str) -> str | None:
    if len(code) != _SQLSTATE_LENGTH:
        return None
    prefixes = (code[:length] for length in range(len(code), 1, -1))
    return next((_OUTAGES[prefix] for prefix in prefixes if prefix in _OUTAGES), None)
