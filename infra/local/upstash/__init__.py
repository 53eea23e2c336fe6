"""Upstash's Redis REST protocol in front of a real Redis, for tests and for this machine.

A translator without data of its own. It follows Upstash's documentation of its REST API, and the
clients that Upstash publishes; where these say nothing, it is strict. Left out:
`Upstash-Response-Format: resp2`, `/monitor`, `ACL RESTTOKEN`, and quotas and limits but the size
of a request.
"""

from infra.local.upstash.hosting import LocalUpstash, local_upstash
from infra.local.upstash.record import Asked, Record

__all__ = ["Asked", "LocalUpstash", "Record", "local_upstash"]
