-- Collations. The names of their columns differ between versions, so they are read by name.
SELECT 'collation' AS class, format('%I.%I', n.nspname, c.collname) AS name,
  c.collprovider AS provider, nullif(c.collisdeterministic, true) AS deterministic,
  nullif(c.collencoding, -1) AS encoding,
  c.collcollate AS collate, c.collctype AS ctype,
  coalesce(j.r->>'colllocale', j.r->>'colliculocale') AS locale,
  j.r->>'collicurules' AS rules,
  pg_get_userbyid(c.collowner) AS owner,
  d.description AS comment
FROM pg_collation c
CROSS JOIN LATERAL (SELECT to_jsonb(c) AS r) j
JOIN pg_namespace n ON n.oid = c.collnamespace
LEFT JOIN pg_description d ON d.classoid = 'pg_collation'::regclass AND d.objoid = c.oid
WHERE {own_schema:n.nspname}
  AND {no_member:pg_collation:c.oid}
