-- Indexes; those of constraints as well, for they have settings and comments of their own.
SELECT 'index' AS class, format('%I.%I', n.nspname, c.relname) AS name,
  i.indrelid::regclass::text AS parent,
  pg_get_indexdef(i.indexrelid) AS definition,
  quote_ident(k.conname) AS of_constraint,
  nullif(i.indisvalid, true) AS valid,
  nullif(i.indisclustered, false) AS clustered,
  nullif(i.indisreplident, false) AS replica_identity,
  t.spcname AS tablespace,
  ARRAY(SELECT h.inhparent::regclass::text FROM pg_inherits h WHERE h.inhrelid = c.oid) AS parents,
  ARRAY(SELECT format('%s: %s', a.attnum, a.attstattarget) FROM pg_attribute a
    WHERE a.attrelid = c.oid AND a.attstattarget >= 0 ORDER BY a.attnum) AS statistics,
  d.description AS comment
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')
LEFT JOIN pg_tablespace t ON t.oid = c.reltablespace
LEFT JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = c.oid
  AND d.objsubid = 0
WHERE {of:i.indrelid}
  AND {own_schema:n.nspname}
  AND {no_member:pg_class:i.indrelid}
