-- Snapshots of sessions with many participants may be differences.
--
-- A difference has the session without participants in `core`, and in `changed` the participants
-- that changed since the whole snapshot of version `since`, whose commit has the same
-- `operation_id`. This file is idempotent. It rewrites no row.

comment on column public.sync_events.state_snapshot is
  'The session after the change, whole or as the difference to the version `since`: `core` is the'
  ' session without participants, `changed` has those that changed since that version, `removed`'
  ' the participant_index of those that left.';

-- Let record_events() read both forms. The totals come from all entries of a batch, because a
-- difference doesn't have what an earlier entry of the batch changed if that entry is the whole
-- snapshot.
do $$
declare
  definition text := pg_catalog.pg_get_functiondef('public.record_events(json)'::regprocedure);
begin
  definition := replace(
    definition, '(n.state_snapshot ->> ',
    '(coalesce(n.state_snapshot -> ''core'', n.state_snapshot) ->> ');
  definition := regexp_replace(
    definition,
    'n\.tenant, n\.session_id, (p\.participant_id,[^;]*?)from newest n\s+'
    'join moved m on \(m\.tenant, m\.session_id\) = \(n\.tenant, n\.session_id\)\s+'
    'cross join lateral json_to_recordset\(n\.state_snapshot -> ''participants''\) as p '
    '(\([^)]*\))',
    'p.tenant, p.session_id, \1from (
      select distinct on (r.tenant, r.session_id, q.participant_id) r.tenant, r.session_id, q.*
      from recorded r
      join moved m on (m.tenant, m.session_id) = (r.tenant, r.session_id)
      cross join lateral json_to_recordset(
        coalesce(r.state_snapshot -> ''changed'', r.state_snapshot -> ''participants'')
      ) as q \2
      order by r.tenant, r.session_id, q.participant_id, r.version desc
    ) p');
  execute definition;
end $$;
