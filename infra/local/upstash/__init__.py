"""Local emulator of Upstash's Redis REST API in front of a Redis server, for tests and local runs.

It stores no data itself. It follows Upstash's documentation of the REST API and Upstash's clients.
Emulated is what SyncKairos uses: single commands and pipelines in JSON, and scripts that lock only
their keys.
"""

from infra.local.upstash.hosting import LocalUpstash, local_upstash
from infra.local.upstash.request_log import LoggedRequest, RequestLog

__all__ = ["LocalUpstash", "LoggedRequest", "RequestLog", "local_upstash"]
