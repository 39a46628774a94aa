-- Access methods.
SELECT 'access method' AS class, quote_ident(m.amname) AS name,
  m.amtype AS type, m.amhandler::text AS handler,
  d.description AS comment
FROM pg_am m
LEFT JOIN pg_description d ON d.classoid = 'pg_am'::regclass AND d.objoid = m.oid
WHERE m.oid >= 16384
  AND {no_member:pg_am:m.oid}
