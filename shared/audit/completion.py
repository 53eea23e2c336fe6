"""Complete snapshots that are differences, from the whole ones that they refer to."""

import logging

from shared.application.ports.audit_log import SessionSnapshot
from shared.application.snapshots import completed

_log = logging.getLogger("synckairos.audit")


def complete(snapshot: SessionSnapshot, base: SessionSnapshot | None) -> SessionSnapshot | None:
    """Return the snapshot with all participants; None, with a warning, if it has no `base`.

    It has none if Redis lost data: another change may then have the base's version, and the base is
    a dead letter.
    """
    difference = snapshot.difference
    assert difference is not None
    if base is None or base.difference is not None:
        _log.warning(
            "version %d of session %s can't be read: it is a difference to version %d of commit %s,"
            " which the trail doesn't have",
            snapshot.session.version,
            snapshot.session.name,
            *difference.base,
        )
        return None
    return snapshot.with_session(completed(difference, base.session))
