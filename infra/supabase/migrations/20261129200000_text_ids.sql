-- The ids of participants and groups may be any text; a switch may be undone.
--
-- This file is idempotent. It rewrites the tables of events and participants once; writers wait for
-- that, and their entries stay in the outbox.

alter type public.sync_event add value if not exists 'switch_undone';

do $$
declare
  col record;
begin
  for col in
    select c.table_name, c.column_name
    from information_schema.columns c
    where c.table_schema = 'public'
      and c.table_name in ('sync_events', 'sync_participants')
      and c.column_name in ('participant_id', 'group_id')
      and c.data_type = 'uuid'
  loop
    execute format(
      'alter table public.%I alter column %I type text collate "C" using %I::text',
      col.table_name, col.column_name, col.column_name);
  end loop;
end $$;

-- Change record_events() accordingly, and nothing else in it.
do $$
declare
  definition text := pg_catalog.pg_get_functiondef('public.record_events(json)'::regprocedure);
begin
  definition := replace(definition, 'participant_id uuid', 'participant_id text');
  definition := replace(definition, 'group_id uuid', 'group_id text');
  execute definition;
end $$;
