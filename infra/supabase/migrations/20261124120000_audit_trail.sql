-- The audit trail: one event for each version of a session, with the session's state after it.
--
-- sync_events is the source of truth. sync_sessions and sync_participants have each session's
-- present state; record_events() updates all three in one statement. This file is idempotent.

do $$ begin
  create type public.sync_mode as enum
    ('per_participant', 'per_cycle', 'per_group', 'global', 'count_up');
exception when duplicate_object then null; end $$;

do $$ begin
  create type public.sync_status as enum
    ('pending', 'running', 'paused', 'expired', 'completed', 'cancelled');
exception when duplicate_object then null; end $$;

do $$ begin
  create type public.sync_event as enum
    ('session_created', 'session_started', 'cycle_switched', 'time_expired', 'session_paused',
     'session_resumed', 'session_completed', 'session_cancelled', 'participant_added',
     'participant_time_adjusted', 'session_deleted');
exception when duplicate_object then null; end $$;


create table if not exists public.sync_events (
  session_id uuid not null,
  version integer not null check (version >= 1),
  event public.sync_event not null,
  occurred_at timestamptz not null,
  actor text not null,
  request_id text,
  participant_id uuid,
  group_id uuid,
  time_remaining_ms bigint check (time_remaining_ms >= 0),
  time_elapsed_ms bigint check (time_elapsed_ms >= 0),
  cycle_number integer not null check (cycle_number >= 0),
  metadata jsonb not null default '{}',
  -- json, not jsonb, which would change the form of numbers.
  state_snapshot json not null,
  operation_id text not null,
  recorded_at timestamptz not null default now(),
  unique (session_id, version)
);

comment on table public.sync_events is
  'Every accepted change, once; a flag fall is one change and tells in metadata what it led to.';
comment on column public.sync_events.occurred_at is 'On the clock of the session store.';
comment on column public.sync_events.operation_id is
  'The commit that made it: tells a repeated delivery from another change of the same version.';

create index if not exists sync_events_by_time
  on public.sync_events (session_id, occurred_at desc);


create table if not exists public.sync_sessions (
  session_id uuid primary key,
  sync_mode public.sync_mode not null,
  status public.sync_status not null,
  version integer not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  deleted_at timestamptz,
  wakes_at timestamptz
);

comment on column public.sync_sessions.wakes_at is
  'When something next happens in it of itself: what must be watched though nobody asks.';

create index if not exists sync_sessions_that_wake
  on public.sync_sessions (session_id) where wakes_at is not null;


create table if not exists public.sync_participants (
  session_id uuid not null references public.sync_sessions on delete cascade,
  participant_id uuid not null,
  participant_index integer not null,
  group_id uuid,
  total_time_ms bigint,
  time_used_ms bigint not null,
  cycle_count integer not null,
  primary key (session_id, participant_id)
);

comment on table public.sync_participants is
  'Totals per participant as of the last version; what runs since then is not in them yet.';


-- Only the service may read or write: row-level security without a policy admits only the owner and
-- roles that bypass it. By default Supabase grants its API roles all privileges.
alter table public.sync_events enable row level security;
alter table public.sync_sessions enable row level security;
alter table public.sync_participants enable row level security;


-- Record a batch; recording it again changes nothing. Returns the entries whose version exists from
-- another change, because such a conflict must not go unnoticed.
create or replace function public.record_events(entries json)
returns table (session_id uuid, version integer)
language sql
security invoker
set search_path = ''
as $$
  with given as materialized (
    select *
    from json_to_recordset(entries) as entry (
      session_id uuid, version integer, event public.sync_event, occurred_at bigint,
      actor text, request_id text, participant_id uuid, group_id uuid,
      time_remaining_ms bigint, time_elapsed_ms bigint, cycle_number integer,
      metadata jsonb, state_snapshot json, operation_id text, wakes_at bigint
    )
  ),
  recorded as (
    insert into public.sync_events as e (
      session_id, version, event, occurred_at, actor, request_id, participant_id, group_id,
      time_remaining_ms, time_elapsed_ms, cycle_number, metadata, state_snapshot, operation_id
    )
    select
      g.session_id, g.version, g.event,
      timestamptz 'epoch' + g.occurred_at * interval '1 millisecond',
      g.actor, g.request_id, g.participant_id, g.group_id,
      g.time_remaining_ms, g.time_elapsed_ms, g.cycle_number, g.metadata, g.state_snapshot,
      g.operation_id
    from given g
    order by g.session_id, g.version
    on conflict on constraint sync_events_session_id_version_key do nothing
    returning e.session_id, e.version, e.event, e.occurred_at, e.state_snapshot
  ),
  newest as (
    select distinct on (r.session_id) r.*, g.wakes_at
    from recorded r
    join given g on (g.session_id, g.version) = (r.session_id, r.version)
    order by r.session_id, r.version desc
  ),
  -- Only a newer version moves a session on: batches may arrive out of order.
  moved as (
    insert into public.sync_sessions as s (
      session_id, sync_mode, status, version, created_at, updated_at, deleted_at, wakes_at
    )
    select
      n.session_id,
      (n.state_snapshot ->> 'sync_mode')::public.sync_mode,
      (n.state_snapshot ->> 'status')::public.sync_status,
      n.version,
      timestamptz 'epoch'
        + (n.state_snapshot ->> 'created_at')::bigint * interval '1 millisecond',
      n.occurred_at,
      case when n.event = 'session_deleted' then n.occurred_at end,
      timestamptz 'epoch' + n.wakes_at * interval '1 millisecond'
    from newest n
    order by n.session_id
    on conflict on constraint sync_sessions_pkey do update set
      status = excluded.status,
      version = excluded.version,
      updated_at = excluded.updated_at,
      deleted_at = excluded.deleted_at,
      wakes_at = excluded.wakes_at
    where s.version < excluded.version
    returning s.session_id
  ),
  totals as (
    insert into public.sync_participants as t (
      session_id, participant_id, participant_index, group_id, total_time_ms, time_used_ms,
      cycle_count
    )
    select
      n.session_id, p.participant_id, p.participant_index, p.group_id, p.bank_ms, p.used_ms,
      p.cycle_count
    from newest n
    join moved m on m.session_id = n.session_id
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
  select e.session_id, e.version
  from given g
  join public.sync_events e on (e.session_id, e.version) = (g.session_id, g.version)
  where e.operation_id is distinct from g.operation_id
$$;

comment on function public.record_events(json) is
  'Appends to the audit trail and brings sync_sessions and sync_participants up to date.';


-- Return a page of the sessions that will change without a command, with their state.
create or replace function public.sessions_that_wake(after uuid, at_most integer)
returns table (session_id uuid, state_snapshot json)
language sql
stable
security invoker
set search_path = ''
as $$
  select s.session_id, e.state_snapshot
  from public.sync_sessions s
  join public.sync_events e on (e.session_id, e.version) = (s.session_id, s.version)
  where s.wakes_at is not null and (after is null or s.session_id > after)
  order by s.session_id
  limit at_most
$$;

comment on function public.sessions_that_wake(uuid, integer) is
  'What a store that lost its memory must be told, so that no deadline passes unnoticed.';


do $$
declare
  outsider text;
begin
  revoke all on function public.record_events(json) from public;
  revoke all on function public.sessions_that_wake(uuid, integer) from public;
  for outsider in
    select rolname from pg_catalog.pg_roles where rolname in ('anon', 'authenticated')
  loop
    execute format(
      'revoke all on public.sync_events, public.sync_sessions, public.sync_participants from %I',
      outsider);
    execute format('revoke all on function public.record_events(json) from %I', outsider);
    execute format(
      'revoke all on function public.sessions_that_wake(uuid, integer) from %I', outsider);
  end loop;
  -- Events are append-only even for the service; the tables of the present state are updated.
  if exists (select from pg_catalog.pg_roles where rolname = 'service_role') then
    revoke all on public.sync_events, public.sync_sessions, public.sync_participants
      from service_role;
    grant select, insert on public.sync_events to service_role;
    grant select, insert, update on public.sync_sessions, public.sync_participants
      to service_role;
    grant execute on function public.record_events(json) to service_role;
    grant execute on function public.sessions_that_wake(uuid, integer) to service_role;
  end if;
end $$;
