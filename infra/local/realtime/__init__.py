"""Supabase Realtime's protocols on a local Postgres, for tests and for this machine.

It follows the source of the real server and of the clients that Supabase publishes. Who may
listen and who may send is decided by the project's own policies. Left out: changes of tables
(`postgres_changes`), replay, and limits but those of `Options`.
"""

from infra.local.realtime.hosting import LocalRealtime, local_realtime
from infra.local.realtime.mischief import Mischief
from infra.local.realtime.options import Options

__all__ = ["LocalRealtime", "Mischief", "Options", "local_realtime"]
