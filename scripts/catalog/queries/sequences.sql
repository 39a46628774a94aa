-- Sequences, also those of identity columns; their values are data.
SELECT 'sequence' AS class, format('%I.%I', n.nspname, c.relname) AS name,
  o.refobjid::regclass::text AS parent,
  format_type(s.seqtypid, NULL) AS type,
  s.seqstart AS start, s.seqincrement AS increment, s.seqmin AS minimum, s.seqmax AS maximum,
  s.seqcache AS cache, nullif(s.seqcycle, false) AS cycle,
  (SELECT format('%s.%I', o.refobjid::regclass, a.attname) FROM pg_attribute a
    WHERE a.attrelid = o.refobjid AND a.attnum = o.refobjsubid) AS owned_by,
  nullif(c.relpersistence, 'p') AS persistence,
  pg_get_userbyid(c.relowner) AS owner,
  ARRAY(SELECT a::text FROM unnest(coalesce(c.relacl, acldefault('s', c.relowner))) a ORDER BY 1)
    AS privileges,
  d.description AS comment
FROM pg_sequence s
JOIN pg_class c ON c.oid = s.seqrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_depend o ON o.classid = 'pg_class'::regclass AND o.objid = c.oid
  AND o.deptype IN ('a', 'i') AND o.refclassid = 'pg_class'::regclass AND o.refobjsubid > 0
LEFT JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = c.oid
  AND d.objsubid = 0
WHERE {of:s.seqrelid}
  AND {own_schema:n.nspname}
  AND {no_member:pg_class:c.oid}
