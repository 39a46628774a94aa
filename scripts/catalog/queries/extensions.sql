-- Extensions stand for all that belongs to them.
SELECT 'extension' AS class, quote_ident(e.extname) AS name,
  quote_ident(n.nspname) AS schema, e.extversion AS version,
  ARRAY(SELECT format('%s: %s', t::regclass, e.extcondition[o])
    FROM unnest(e.extconfig) WITH ORDINALITY u(t, o) ORDER BY 1) AS configuration,
  nullif(e.extrelocatable, false) AS relocatable,
  pg_get_userbyid(e.extowner) AS owner,
  d.description AS comment
FROM pg_extension e
JOIN pg_namespace n ON n.oid = e.extnamespace
LEFT JOIN pg_description d ON d.classoid = 'pg_extension'::regclass AND d.objoid = e.oid
WHERE e.oid >= 16384
