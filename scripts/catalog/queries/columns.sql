-- Columns of tables, views and composite types. Their position alone is a note.
SELECT 'column' AS class, format('%I.%I.%I', n.nspname, c.relname, a.attname) AS name,
  format('%I.%I', n.nspname, c.relname) AS parent,
  format_type(a.atttypid, a.atttypmod) AS type,
  nullif(a.attnotnull, false) AS not_null,
  pg_get_expr(e.adbin, e.adrelid) AS default,
  nullif(a.attidentity, '') AS identity,
  nullif(a.attgenerated, '') AS generated,
  CASE WHEN a.attcollation <> y.typcollation THEN a.attcollation::regcollation::text END
    AS collation,
  CASE WHEN c.relkind IN ('r', 'p', 'm', 'f') AND a.attstorage <> y.typstorage
    THEN a.attstorage END AS storage,
  nullif(a.attcompression, '') AS compression,
  nullif(a.attstattarget, -1) AS statistics,
  a.attoptions AS options,
  a.attfdwoptions AS foreign_options,
  CASE WHEN a.attinhcount > 0 THEN a.attislocal END AS local,
  ARRAY(SELECT p::text FROM unnest(a.attacl) p ORDER BY 1) AS privileges,
  d.description AS comment,
  (SELECT count(*) FROM pg_attribute b WHERE b.attrelid = a.attrelid AND b.attnum > 0
    AND b.attnum <= a.attnum AND NOT b.attisdropped) AS position
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_type y ON y.oid = a.atttypid
LEFT JOIN pg_attrdef e ON e.adrelid = a.attrelid AND e.adnum = a.attnum
LEFT JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = c.oid
  AND d.objsubid = a.attnum
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'c')
  AND {of:a.attrelid}
  AND {own_schema:n.nspname}
  AND {no_member:pg_class:c.oid}
