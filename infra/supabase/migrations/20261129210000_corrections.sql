-- The events of corrections: time given or set, a switch undone, settings and participants changed.
--
-- This file is idempotent. It adds values to an enum, which rewrites no row.

alter type public.sync_event add value if not exists 'time_adjusted';
alter type public.sync_event add value if not exists 'switch_undone';
alter type public.sync_event add value if not exists 'session_updated';
alter type public.sync_event add value if not exists 'participant_updated';
alter type public.sync_event add value if not exists 'participant_removed';
