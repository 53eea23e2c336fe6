-- Tenants: a session is identified by its tenant and its id, because two tenants may use one id.
--
-- A session without a tenant has '', and so has every earlier row. This file is idempotent. It
-- rebuilds the unique index of the events; writers wait for that, and their entries stay in the
-- outbox.

-- Collation "C" gives pages the same order whatever the database's language is.
alter table public.sync_events
  add column if not exists tenant text collate "C" not null default '';
alter table public.sync_sessions
  add column if not exists tenant text collate "C" not null default '';
alter table public.sync_participants
  add column if not exists tenant text collate "C" not null default '';

comment on column public.sync_events.tenant is 'Whose session it is; empty where it is nobody''s.';

alter table public.sync_events
  drop constraint if exists sync_events_session_id_version_key,
  drop constraint if exists sync_events_tenant_session_id_version_key,
  add constraint sync_events_tenant_session_id_version_key unique (tenant, session_id, version);

drop index if exists public.sync_events_by_time;
create index sync_events_by_time
  on public.sync_events (tenant, session_id, occurred_at desc);

alter table public.sync_participants
  drop constraint if exists sync_participants_session_id_fkey,
  drop constraint if exists sync_participants_tenant_session_id_fkey,
  drop constraint if exists sync_participants_pkey,
  add constraint sync_participants_pkey primary key (tenant, session_id, participant_id);

alter table public.sync_sessions
  drop constraint if exists sync_sessions_pkey,
  add constraint sync_sessions_pkey primary key (tenant, session_id);

alter table public.sync_participants
  add constraint sync_participants_tenant_session_id_fkey
    foreign key (tenant, session_id) references public.sync_sessions on delete cascade;

drop index if exists public.sync_sessions_that_wake;
create index sync_sessions_that_wake
  on public.sync_sessions (tenant, session_id) where wakes_at is not null;


-- Both functions return the tenant too. `create or replace` can't change a function's return type.
drop function if exists public.record_events(json);
drop function if exists public.sessions_that_wake(uuid, integer);
drop function if exists public.sessions_that_wake(text, uuid, integer);


-- Record a batch; recording it again changes nothing. Returns the entries whose version exists from
-- another change, because such a conflict must not go unnoticed.
create function public.record_events(entries json)
returns table (tenant text, session_id uuid, version integer)
language sql
security invoker
set search_path = ''
as $$
  with given as materialized (
    select
      coalesce(entry.tenant, '') as tenant, entry.session_id, entry.version, entry.event,
      timestamptz 'epoch' + entry.occurred_at * interval '1 millisecond' as occurred_at,
      entry.actor, entry.request_id, entry.participant_id, entry.group_id,
      entry.time_remaining_ms, entry.time_elapsed_ms, entry.cycle_number, entry.metadata,
      entry.state_snapshot, entry.operation_id,
      timestamptz 'epoch' + entry.wakes_at * interval '1 millisecond' as wakes_at
    from json_to_recordset(entries) as entry (
      tenant text, session_id uuid, version integer, event public.sync_event, occurred_at bigint,
      actor text, request_id text, participant_id uuid, group_id uuid,
      time_remaining_ms bigint, time_elapsed_ms bigint, cycle_number integer,
      metadata jsonb, state_snapshot json, operation_id text, wakes_at bigint
    )
  ),
  recorded as (
    insert into public.sync_events as e (
      tenant, session_id, version, event, occurred_at, actor, request_id, participant_id,
      group_id, time_remaining_ms, time_elapsed_ms, cycle_number, metadata, state_snapshot,
      operation_id
    )
    select
      g.tenant, g.session_id, g.version, g.event, g.occurred_at, g.actor, g.request_id,
      g.participant_id, g.group_id, g.time_remaining_ms, g.time_elapsed_ms, g.cycle_number,
      g.metadata, g.state_snapshot, g.operation_id
    from given g
    order by g.tenant, g.session_id, g.version
    on conflict on constraint sync_events_tenant_session_id_version_key do nothing
    returning e.tenant, e.session_id, e.version, e.event, e.occurred_at, e.state_snapshot
  ),
  newest as (
    select distinct on (r.tenant, r.session_id) r.*, g.wakes_at
    from recorded r
    join given g on (g.tenant, g.session_id, g.version) = (r.tenant, r.session_id, r.version)
    order by r.tenant, r.session_id, r.version desc
  ),
  -- Only a newer version moves a session on: batches may arrive out of order.
  moved as (
    insert into public.sync_sessions as s (
      tenant, session_id, sync_mode, status, version, created_at, updated_at, deleted_at, wakes_at
    )
    select
      n.tenant,
      n.session_id,
      (n.state_snapshot ->> 'sync_mode')::public.sync_mode,
      (n.state_snapshot ->> 'status')::public.sync_status,
      n.version,
      timestamptz 'epoch'
        + (n.state_snapshot ->> 'created_at')::bigint * interval '1 millisecond',
      n.occurred_at,
      case when n.event = 'session_deleted' then n.occurred_at end,
      n.wakes_at
    from newest n
    order by n.tenant, n.session_id
    on conflict on constraint sync_sessions_pkey do update set
      status = excluded.status,
      version = excluded.version,
      updated_at = excluded.updated_at,
      deleted_at = excluded.deleted_at,
      wakes_at = excluded.wakes_at
    where s.version < excluded.version
    returning s.tenant, s.session_id
  ),
  totals as (
    insert into public.sync_participants as t (
      tenant, session_id, participant_id, participant_index, group_id, total_time_ms,
      time_used_ms, cycle_count
    )
    select
      n.tenant, n.session_id, p.participant_id, p.participant_index, p.group_id, p.bank_ms,
      p.used_ms, p.cycle_count
    from newest n
    join moved m on (m.tenant, m.session_id) = (n.tenant, n.session_id)
    cross join lateral json_to_recordset(n.state_snapshot -> 'participants') as p (
      participant_id uuid, participant_index integer, group_id uuid, bank_ms bigint,
      used_ms bigint, cycle_count integer
    )
    on conflict on constraint sync_participants_pkey do update set
      group_id = excluded.group_id,
      total_time_ms = excluded.total_time_ms,
      time_used_ms = excluded.time_used_ms,
      cycle_count = excluded.cycle_count
    where (t.group_id, t.total_time_ms, t.time_used_ms, t.cycle_count) is distinct from
      (excluded.group_id, excluded.total_time_ms, excluded.time_used_ms, excluded.cycle_count)
  )
  select e.tenant, e.session_id, e.version
  from given g
  join public.sync_events e
    on (e.tenant, e.session_id, e.version) = (g.tenant, g.session_id, g.version)
  where e.operation_id is distinct from g.operation_id
$$;

comment on function public.record_events(json) is
  'Appends to the audit trail and brings sync_sessions and sync_participants up to date.';


-- Return a page of the sessions that will change without a command, with their state.
create function public.sessions_that_wake(after_tenant text, after uuid, at_most integer)
returns table (tenant text, session_id uuid, state_snapshot json)
language sql
stable
security invoker
set search_path = ''
as $$
  -- The page first: it takes no more of the trail than a row for each of its sessions.
  select s.tenant, s.session_id, e.state_snapshot
  from (
    select w.tenant, w.session_id, w.version
    from public.sync_sessions w
    where w.wakes_at is not null
      and (after is null or (w.tenant, w.session_id) > (coalesce(after_tenant, ''), after))
    order by w.tenant, w.session_id
    limit at_most
  ) s
  join public.sync_events e
    on (e.tenant, e.session_id, e.version) = (s.tenant, s.session_id, s.version)
  order by s.tenant, s.session_id
$$;

comment on function public.sessions_that_wake(text, uuid, integer) is
  'What a store that lost its memory must be told, so that no deadline passes unnoticed.';


-- New functions are executable by everyone by default. The tables' privileges are unchanged.
do $$
declare
  outsider text;
begin
  revoke all on function public.record_events(json) from public;
  revoke all on function public.sessions_that_wake(text, uuid, integer) from public;
  for outsider in
    select rolname from pg_catalog.pg_roles where rolname in ('anon', 'authenticated')
  loop
    execute format('revoke all on function public.record_events(json) from %I', outsider);
    execute format(
      'revoke all on function public.sessions_that_wake(text, uuid, integer) from %I', outsider);
  end loop;
  if exists (select from pg_catalog.pg_roles where rolname = 'service_role') then
    grant execute on function public.record_events(json) to service_role;
    grant execute on function public.sessions_that_wake(text, uuid, integer) to service_role;
  end if;
end $$;
