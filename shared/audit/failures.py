"""What a failure of the audit database means, whichever way it was reached."""

from shared.errors import AuditUnavailable, EntriesRefused

_FAULTS_OF_THE_DATA = ("22", "23")
"""SQLSTATE classes (PostgreSQL appendix A): data exception, integrity constraint violation."""

_TOO_LARGE = "413"


def failure(code: str | None, message: str) -> AuditUnavailable | EntriesRefused:
    """Whether it lies in what was written, by SQLSTATE or HTTP status, or will pass.

    A missing table or right is the second: entries wait until somebody has run the migrations.
    """
    if code is not None and (code == _TOO_LARGE or code.startswith(_FAULTS_OF_THE_DATA)):
        return EntriesRefused(message)
    return AuditUnavailable()
