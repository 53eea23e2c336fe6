"""Local emulator of Supabase Realtime on a Postgres, for tests and local runs.

It follows the source of the real server and of Supabase's clients. The project's own RLS policies
authorize private channels. Not emulated: Postgres Changes, broadcast replay, and all limits except
those in `RealtimeOptions`.
"""

from infra.local.realtime.faults import Faults
from infra.local.realtime.hosting import LocalRealtime, local_realtime
from infra.local.realtime.options import RealtimeOptions

__all__ = ["Faults", "LocalRealtime", "RealtimeOptions", "local_realtime"]
