-- Triggers but those that foreign keys and other constraints have made.
SELECT 'trigger' AS class, format('%s.%I', t.tgrelid::regclass, t.tgname) AS name,
  t.tgrelid::regclass::text AS parent,
  pg_get_triggerdef(t.oid) AS definition,
  nullif(t.tgenabled, 'O') AS enabled,
  CASE WHEN t.tgparentid <> 0 THEN true END AS of_partitioned_table,
  d.description AS comment
FROM pg_trigger t
JOIN pg_class c ON c.oid = t.tgrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_description d ON d.classoid = 'pg_trigger'::regclass AND d.objoid = t.oid
WHERE NOT t.tgisinternal AND {of:t.tgrelid}
  AND {own_schema:n.nspname}
  AND {no_member:pg_trigger:t.oid}
  AND {no_member:pg_class:c.oid}
