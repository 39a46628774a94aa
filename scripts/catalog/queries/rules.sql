-- Rules but those that views are made of.
SELECT 'rule' AS class, format('%s.%I', r.ev_class::regclass, r.rulename) AS name,
  r.ev_class::regclass::text AS parent,
  pg_get_ruledef(r.oid) AS definition,
  nullif(r.ev_enabled, 'O') AS enabled,
  d.description AS comment
FROM pg_rewrite r
JOIN pg_class c ON c.oid = r.ev_class
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_description d ON d.classoid = 'pg_rewrite'::regclass AND d.objoid = r.oid
WHERE r.rulename <> '_RETURN' AND {of:r.ev_class}
  AND {own_schema:n.nspname}
  AND {no_member:pg_class:c.oid}
