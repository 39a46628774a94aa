-- Event triggers.
SELECT 'event trigger' AS class, quote_ident(t.evtname) AS name,
  t.evtevent AS event, t.evttags AS tags, t.evtfoid::regprocedure::text AS function,
  nullif(t.evtenabled, 'O') AS enabled,
  pg_get_userbyid(t.evtowner) AS owner,
  d.description AS comment
FROM pg_event_trigger t
LEFT JOIN pg_description d ON d.classoid = 'pg_event_trigger'::regclass AND d.objoid = t.oid
WHERE {no_member:pg_event_trigger:t.oid}
