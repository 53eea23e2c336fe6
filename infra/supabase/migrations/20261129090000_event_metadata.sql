-- Store event metadata as json instead of jsonb, which changes the form of numbers: it returns 1e20
-- as 100000000000000000000 and -0.0 as 0.0.
--
-- This file is idempotent. It rewrites the table of events once; writers wait for that, and their
-- entries stay in the outbox.

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

-- Change the type in record_events() too, and nothing else.
do $$ begin
  execute replace(
    pg_catalog.pg_get_functiondef('public.record_events(json)'::regprocedure),
    'metadata jsonb', 'metadata json');
end $$;
