"""Local emulator of Supabase Realtime on a Postgres, for tests and local runs.

It follows the source of the real server and of Supabase's clients. The project's own RLS policies
authorize private channels. Emulated is what SyncKairos and its clients use: channels, and
broadcasts that a backend sends over HTTP. Clients can't send.
"""

from infra.local.realtime.faults import Faults
from infra.local.realtime.hosting import LocalRealtime, local_realtime

__all__ = ["Faults", "LocalRealtime", "local_realtime"]
