-- Supabase Realtime's Presence: a client is shown on the channel of its role, and those who may read
-- the presence read it there.
--
-- Each session has one topic for each role, `session-presence:<role>:<name of the session>`. The
-- token's claims are `sync_session`, the session's name; `sync_role`, the role; and `sync_presence`,
-- which is `read` if the bearer may read the presence. A policy sees the topic, but not what a client
-- says about itself, so the topic has the role in it.
--
-- To join a channel, a client needs the right to read broadcasts or presence there. A client that is
-- only shown gets the right to read broadcasts. There are none, because no policy lets a client send
-- any.
--
-- The restrictive policies exclude these topics from a project's own permissive policies. This file
-- is idempotent. A Postgres without Supabase has no such table, so nothing is done there.
do $$
declare
  claim constant text :=
    $sql$((select nullif(current_setting('request.jwt.claims', true), ''))::jsonb ->> %L)$sql$;
  session constant text := format(claim, 'sync_session');
  own_topic constant text := format(
    $sql$topic = 'session-presence:' || %s || ':' || %s$sql$, format(claim, 'sync_role'), session
  );
  may_see constant text := format(
    $sql$
      (extension = 'broadcast' and %s)
      or (
        extension = 'presence'
        and %s = 'read'
        and substring(topic from '^session-presence:[a-z]+:(.*)$') = %s
      )
    $sql$,
    own_topic, format(claim, 'sync_presence'), session
  );
  may_be_shown constant text := format($sql$extension = 'presence' and %s$sql$, own_topic);
  is_other_topic constant text := $sql$topic not like 'session-presence:%'$sql$;
  policy text;
  definition text;
begin
  if to_regclass('realtime.messages') is null then
    return;
  end if;

  for policy, definition in
    values
      ('synckairos_see', format('for select to authenticated using (%s)', may_see)),
      (
        'synckairos_see_permitted',
        format('as restrictive for select using (%s or %s)', is_other_topic, may_see)
      ),
      ('synckairos_be_shown', format('for insert to authenticated with check (%s)', may_be_shown)),
      (
        'synckairos_be_shown_as_own_role',
        format('as restrictive for insert with check (%s or (%s))', is_other_topic, may_be_shown)
      )
  loop
    execute format('drop policy if exists %I on realtime.messages', policy);
    execute format('create policy %I on realtime.messages %s', policy, definition);
  end loop;
end $$;
