"""How long pushes were on their way, from the request being sent to each socket's receipt."""

from collections.abc import Iterator

from tests.load.attendance import push_key
from tests.load.run import Record


def deliveries(record: Record) -> Iterator[tuple[float, float]]:
    """When, s after the beginning, and ms; what no request made (a flag fall) has no latency."""
    began_s = record.shots.began_s
    sent_s = {push_key(c.session, c.version): c.sent_s for c in record.shots.changes}
    for attendance in record.attendances:
        for key, heard_s in zip(attendance.pushes, attendance.heard_s, strict=True):
            if (at_s := sent_s.get(key)) is not None:
                yield at_s - began_s, (heard_s - at_s) * 1000
