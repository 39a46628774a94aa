-- Operators.
SELECT 'operator' AS class, o.oid::regoperator::text AS name,
  o.oprcode::text AS function, format_type(o.oprresult, NULL) AS result,
  CASE WHEN o.oprcom <> 0 THEN o.oprcom::regoperator::text END AS commutator,
  CASE WHEN o.oprnegate <> 0 THEN o.oprnegate::regoperator::text END AS negator,
  nullif(o.oprrest::text, '-') AS restrict, nullif(o.oprjoin::text, '-') AS join,
  nullif(o.oprcanmerge, false) AS merges, nullif(o.oprcanhash, false) AS hashes,
  pg_get_userbyid(o.oprowner) AS owner,
  d.description AS comment
FROM pg_operator o
JOIN pg_namespace n ON n.oid = o.oprnamespace
LEFT JOIN pg_description d ON d.classoid = 'pg_operator'::regclass AND d.objoid = o.oid
WHERE {own_schema:n.nspname}
  AND {no_member:pg_operator:o.oid}
