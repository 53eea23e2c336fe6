-- The mode in which each participant has a clock of its own, and its events.
--
-- This file is idempotent. It rewrites no row.

alter type public.sync_mode add value if not exists 'individual';
alter type public.sync_event add value if not exists 'participant_begun';
alter type public.sync_event add value if not exists 'participant_finished';
alter type public.sync_event add value if not exists 'participant_reopened';
alter type public.sync_event add value if not exists 'participant_paused';
alter type public.sync_event add value if not exists 'participant_resumed';
alter type public.sync_event add value if not exists 'participant_closed';
