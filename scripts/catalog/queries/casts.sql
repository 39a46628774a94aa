-- Casts between types of which at least one is not the server's own.
SELECT 'cast' AS class,
  format('%s AS %s', format_type(c.castsource, NULL), format_type(c.casttarget, NULL)) AS name,
  CASE WHEN c.castfunc <> 0 THEN c.castfunc::regprocedure::text END AS function,
  c.castcontext AS context, c.castmethod AS method,
  d.description AS comment
FROM pg_cast c
LEFT JOIN pg_description d ON d.classoid = 'pg_cast'::regclass AND d.objoid = c.oid
WHERE c.oid >= 16384
  AND {no_member:pg_cast:c.oid}
  AND {not_internal:pg_cast:c.oid}
