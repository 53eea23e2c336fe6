-- Supabase Realtime: a token permits listening to the session that it names.
--
-- The claim `sync_session` is the session's name, which includes the tenant; the topic is derived
-- from it. Clients may not send: only the service does, and its secret key bypasses row-level
-- security. Presence is not allowed on these topics. A Postgres without Supabase has no such table, so
-- nothing is done there.
--
-- Permissive policies add up, so a project's own policies may allow more. The restrictive policies
-- here exclude the session topics from that, and don't restrict other topics.
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
