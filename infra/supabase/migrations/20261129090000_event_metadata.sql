-- Metadata of events as it was written, to the last digit of its numbers: json, not jsonb.
--
-- jsonb writes 1e20 as 100000000000000000000 and -0.0 as 0.0. Everything here may be run again.
-- The table of events is rewritten once: whoever writes waits for that, and nothing that waits in
-- the outbox is lost.

do $$ begin
  if (
    select data_type from information_schema.columns
    where (table_schema, table_name, column_name) = ('public', 'sync_events', 'metadata')
  ) = 'jsonb' then
    alter table public.sync_events
      alter column metadata drop default,
      alter column metadata type json using metadata::json,
      alter column metadata set default '{}';
  end if;
end $$;

-- The function that writes them, with no other change.
do $$ begin
  execute replace(
    pg_catalog.pg_get_functiondef('public.record_events(json)'::regprocedure),
    'metadata jsonb', 'metadata json');
end $$;
