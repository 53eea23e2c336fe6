-- The event of a test session whose virtual clock is advanced.
--
-- This file is idempotent. It rewrites no row.

alter type public.sync_event add value if not exists 'session_advanced';
