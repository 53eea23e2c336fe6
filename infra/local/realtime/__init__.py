"""Local emulator of Supabase Realtime on a Postgres, for tests and local runs.

It follows the source of the real server and of Supabase's clients. The project's own RLS policies
authorize private channels. Not emulated: Postgres Changes, broadcast replay, and all limits except
those in `Options`.
"""

from infra.local.realtime.hosting import LocalRealtime, local_realtime
from infra.local.realtime.mischief import Mischief
from infra.local.realtime.options import Options

__all__ = ["LocalRealtime", "Mischief", "Options", "local_realtime"]
