-- Who may listen to a session through Supabase Realtime: whoever has a token that names it.
--
-- The claim `sync_session` is the session's name, which tells tenants apart, and the topic is made
-- of it. Nobody may send: only the service does, whose secret key bypasses row-level security.
-- Presence is not used, so there is nothing to be allowed. A Postgres without Supabase has no such
-- table, and nobody to listen there.
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
        ((select current_setting('request.jwt.claims', true))::jsonb ->> 'sync_session')
    );
end $$;
