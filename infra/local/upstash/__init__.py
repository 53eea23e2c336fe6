"""Local emulator of Upstash's Redis REST API in front of a Redis server, for tests and local runs.

It stores no data itself. It follows Upstash's documentation of the REST API and Upstash's clients;
where they are silent, it is strict. Not emulated: `Upstash-Response-Format: resp2`, `/monitor`,
`ACL RESTTOKEN`, and all quotas and limits except the request size.
"""

from infra.local.upstash.hosting import LocalUpstash, local_upstash
from infra.local.upstash.request_log import LoggedRequest, RequestLog

__all__ = ["LocalUpstash", "LoggedRequest", "RequestLog", "local_upstash"]
