-- Who may listen to a session through Supabase Realtime: whoever has a token that names it.
--
-- The claim `sync_session` is the session's name, which tells tenants apart, and the topic is made
-- of it. Nobody may send: only the service does, whose secret key bypasses row-level security.
-- Presence is not used, so there is nothing to be allowed. A Postgres without Supabase has no such
-- table, and nobody to listen there.
--
-- A project may have policies of its own that allow a lot, for policies add up. The restrictive
-- ones keep topics of ours out of that; they say nothing of any other topic.
do $$ begin
  if to_regclass('realtime.messages') is null then
    return;
  end if;

  drop policy if exists synckairos_listen on realtime.messages;
  create policy synckairos_listen on realtime.messages
    for select to authenticated
    using (
      extension = 'broadcast'
      and (select realtime.topic()) = 'session:' ||
        ((select nullif(current_setting('request.jwt.claims', true), ''))::jsonb ->> 'sync_session')
    );

  drop policy if exists synckairos_listen_to_own on realtime.messages;
  create policy synckairos_listen_to_own on realtime.messages
    as restrictive for select
    using (
      topic not like 'session:%'
      or (
        extension = 'broadcast'
        and topic = 'session:' ||
          ((select nullif(current_setting('request.jwt.claims', true), ''))::jsonb
            ->> 'sync_session')
      )
    );

  drop policy if exists synckairos_send_nothing on realtime.messages;
  create policy synckairos_send_nothing on realtime.messages
    as restrictive for insert
    with check (topic not like 'session:%');
end $$;
