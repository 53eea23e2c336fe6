"""Delivery latencies: from sending a request to each socket's receipt of its push."""

from collections.abc import Iterator

from tests.load.attendance import push_key
from tests.load.run import Record


def delivery_latencies(record: Record) -> Iterator[tuple[float, float]]:
    """Yield for each push: sending time in s after the start, latency in ms.

    Versions that no request made, such as those of timeouts, have no latency.
    """
    began_s = record.results.began_s
    sent_s = {push_key(c.session, c.version): c.sent_s for c in record.results.changes}
    for results in record.subscriber_results:
        for key, received_s in zip(results.push_keys, results.received_s, strict=True):
            if (at_s := sent_s.get(key)) is not None:
                yield at_s - began_s, (received_s - at_s) * 1000
