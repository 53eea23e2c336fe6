-- The ids of participants and groups may be any text.
--
-- This file is idempotent. It rewrites the tables of events and participants once; writers wait for
-- that, and their entries stay in the outbox.

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

-- Comments in plain words.
comment on table public.sync_events is
  'Each accepted change once. A timeout is one change; its metadata names its effect.';
comment on column public.sync_events.occurred_at is 'Instant of the change, by the clock of the session store.';
comment on column public.sync_events.operation_id is
  'Id of the commit. It distinguishes a repeated delivery from another change of the same version.';
comment on column public.sync_events.tenant is 'Tenant of the session; empty without tenants.';
comment on column public.sync_sessions.wakes_at is
  'Next instant at which the session changes without a command; null if it does not.';
comment on table public.sync_participants is
  'Totals of each participant as of the newest version, without the time since then.';
comment on function public.record_events(json) is
  'Adds entries to the audit trail, and updates sync_sessions and sync_participants.';
comment on function public.sessions_that_wake(text, uuid, integer) is
  'Sessions that change without a command, for a store that lost its data.';
