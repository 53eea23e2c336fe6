-- Lists of sessions: their owner, metadata and number of participants, in the order of creation.
--
-- This file is idempotent. It rewrites the rows of sync_sessions that lack the new values once;
-- writers wait for that, and their entries stay in the outbox.

alter table public.sync_sessions
  add column if not exists owner text,
  add column if not exists metadata json,
  add column if not exists participant_count integer;

comment on column public.sync_sessions.owner is
  'Host that created the session; null if a service did.';
comment on column public.sync_sessions.metadata is
  'The application''s own data of the session, for filters of lists.';

update public.sync_sessions s
set
  owner = coalesce(e.state_snapshot -> 'core', e.state_snapshot) ->> 'owner',
  metadata = coalesce(e.state_snapshot -> 'core', e.state_snapshot) -> 'metadata',
  participant_count = coalesce(
    json_array_length(e.state_snapshot -> 'participants'),
    (
      select count(*) from public.sync_participants p
      where (p.tenant, p.session_id) = (s.tenant, s.session_id)
    ))
from public.sync_events e
where (e.tenant, e.session_id, e.version) = (s.tenant, s.session_id, s.version)
  and s.participant_count is null;

create index if not exists sync_sessions_by_creation
  on public.sync_sessions (tenant, created_at desc, session_id desc) where deleted_at is null;
create index if not exists sync_sessions_of_owner
  on public.sync_sessions (tenant, owner, created_at desc, session_id desc)
  where deleted_at is null and owner is not null;

-- Let record_events() write the new columns, and change nothing else in it. Entries of an earlier
-- release have no participant_count.
do $$
declare
  definition text := pg_catalog.pg_get_functiondef('public.record_events(json)'::regprocedure);
  core constant text := 'coalesce(n.state_snapshot -> ''core'', n.state_snapshot)';
begin
  if definition not like '%participant_count%' then
    definition := replace(
      definition, 'operation_id text, wakes_at bigint',
      'operation_id text, wakes_at bigint, participant_count integer');
    definition := replace(
      definition, ' as wakes_at
    from json_to_recordset', ' as wakes_at, entry.participant_count
    from json_to_recordset');
    definition := replace(
      definition, 'r.*, g.wakes_at', 'r.*, g.wakes_at, g.participant_count');
    definition := replace(
      definition, 'updated_at, deleted_at, wakes_at
    )', 'updated_at, deleted_at, wakes_at,
      owner, metadata, participant_count
    )');
    definition := replace(
      definition, 'n.wakes_at
    from newest n', 'n.wakes_at,
      ' || core || ' ->> ''owner'',
      ' || core || ' -> ''metadata'',
      coalesce(n.participant_count, json_array_length(n.state_snapshot -> ''participants''), 0)
    from newest n');
    definition := replace(
      definition, 'wakes_at = excluded.wakes_at',
      'wakes_at = excluded.wakes_at,
      metadata = excluded.metadata,
      participant_count = excluded.participant_count');
    execute definition;
  end if;
end $$;


-- Return the newest sessions of a tenant, or of one of its owners, behind a position in the list.
-- At most at_most sessions are examined. Those that don't meet the conditions have matches = false
-- and no other values than their position. Conditions are status, sync_mode, and for each key of
-- metadata an array of values that it may have.
create or replace function public.list_sessions(
  of_tenant text, of_owner text, before_ms bigint, before_id uuid, since_ms bigint,
  conditions jsonb, at_most integer
)
returns table (
  session_id uuid, created_at_ms bigint, matches boolean, status text, sync_mode text,
  updated_at_ms bigint, version integer, participant_count integer, owner text, metadata json
)
language sql
stable
security invoker
set search_path = ''
as $$
  with bounds as (
    select
      coalesce(timestamptz 'epoch' + before_ms * interval '1 millisecond', 'infinity') as before,
      coalesce(before_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid) as id,
      coalesce(timestamptz 'epoch' + since_ms * interval '1 millisecond', '-infinity') as since
  ),
  -- Two branches, so that each can use its index. Only one is executed.
  examined as (
    (
      select s.* from public.sync_sessions s, bounds b
      where of_owner is null and s.tenant = of_tenant and s.deleted_at is null
        and (s.created_at, s.session_id) < (b.before, b.id) and s.created_at >= b.since
      order by s.created_at desc, s.session_id desc
      limit at_most
    )
    union all
    (
      select s.* from public.sync_sessions s, bounds b
      where s.owner = of_owner and s.tenant = of_tenant and s.deleted_at is null
        and (s.created_at, s.session_id) < (b.before, b.id) and s.created_at >= b.since
      order by s.created_at desc, s.session_id desc
      limit at_most
    )
  ),
  judged as (
    select
      e.*,
      coalesce(e.status::text = conditions ->> 'status', true)
        and coalesce(e.sync_mode::text = conditions ->> 'sync_mode', true)
        and not exists (
          select from jsonb_each(coalesce(conditions -> 'metadata', '{}')) c
          where not exists (
            select from jsonb_array_elements(c.value) accepted
            where accepted.value = (e.metadata -> c.key)::jsonb
          )
        ) as matches
    from examined e
  )
  select
    j.session_id,
    (extract(epoch from j.created_at) * 1000)::bigint,
    j.matches,
    case when j.matches then j.status::text end,
    case when j.matches then j.sync_mode::text end,
    case when j.matches then (extract(epoch from j.updated_at) * 1000)::bigint end,
    case when j.matches then j.version end,
    case when j.matches then coalesce(j.participant_count, 0) end,
    case when j.matches then j.owner end,
    case when j.matches then j.metadata end
  from judged j
  order by j.created_at desc, j.session_id desc
$$;

comment on function public.list_sessions(text, text, bigint, uuid, bigint, jsonb, integer) is
  'A page of the sessions of a tenant or owner, newest first, with those that meet conditions.';

-- New functions are executable by everyone by default.
do $$
declare
  outsider text;
begin
  revoke all on function
    public.list_sessions(text, text, bigint, uuid, bigint, jsonb, integer) from public;
  for outsider in
    select rolname from pg_catalog.pg_roles where rolname in ('anon', 'authenticated')
  loop
    execute format(
      'revoke all on function'
      ' public.list_sessions(text, text, bigint, uuid, bigint, jsonb, integer) from %I', outsider);
  end loop;
  if exists (select from pg_catalog.pg_roles where rolname = 'service_role') then
    grant execute on function
      public.list_sessions(text, text, bigint, uuid, bigint, jsonb, integer) to service_role;
  end if;
end $$;
