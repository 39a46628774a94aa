-- Extended statistics.
SELECT 'statistics' AS class, format('%I.%I', n.nspname, s.stxname) AS name,
  s.stxrelid::regclass::text AS parent,
  pg_get_statisticsobjdef(s.oid) AS definition,
  nullif(s.stxstattarget, -1) AS target,
  pg_get_userbyid(s.stxowner) AS owner,
  d.description AS comment
FROM pg_statistic_ext s
JOIN pg_namespace n ON n.oid = s.stxnamespace
LEFT JOIN pg_description d ON d.classoid = 'pg_statistic_ext'::regclass AND d.objoid = s.oid
WHERE {own_schema:n.nspname}
  AND {no_member:pg_statistic_ext:s.oid}
