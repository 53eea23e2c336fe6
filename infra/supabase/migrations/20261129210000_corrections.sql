-- The events of corrections: time given or set, a switch undone, settings and participants changed.
--
-- This file is idempotent. It rewrites no row.

alter type public.sync_event add value if not exists 'time_adjusted';
alter type public.sync_event add value if not exists 'switch_undone';
alter type public.sync_event add value if not exists 'session_updated';
alter type public.sync_event add value if not exists 'participant_updated';
alter type public.sync_event add value if not exists 'participant_removed';

-- A participant who was removed may join again with another index. Change record_events()
-- accordingly, and nothing else in it.
do $$
declare
  definition text := pg_catalog.pg_get_functiondef('public.record_events(json)'::regprocedure);
begin
  if definition not like '%participant_index = excluded.participant_index%' then
    definition := replace(
      definition, 'group_id = excluded.group_id,',
      'participant_index = excluded.participant_index, group_id = excluded.group_id,');
    definition := replace(
      definition, '(t.group_id, t.total_time_ms', '(t.participant_index, t.group_id, t.total_time_ms');
    definition := replace(
      definition, '(excluded.group_id, excluded.total_time_ms',
      '(excluded.participant_index, excluded.group_id, excluded.total_time_ms');
    execute definition;
  end if;
end $$;

comment on table public.sync_participants is
  'Totals of each participant as of the newest version, without the time since then; of a removed'
  ' participant, as of the version before its removal.';
