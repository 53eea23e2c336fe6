-- The events of commands that are given ahead of time.
--
-- This file is idempotent. It rewrites no row.

alter type public.sync_event add value if not exists 'command_scheduled';
alter type public.sync_event add value if not exists 'command_unscheduled';
