-- Schemas but the server's own and those of sessions.
SELECT 'schema' AS class, quote_ident(n.nspname) AS name,
  pg_get_userbyid(n.nspowner) AS owner,
  ARRAY(SELECT a::text FROM unnest(coalesce(n.nspacl, acldefault('n', n.nspowner))) a ORDER BY 1)
    AS privileges,
  d.description AS comment
FROM pg_namespace n
LEFT JOIN pg_description d ON d.classoid = 'pg_namespace'::regclass AND d.objoid = n.oid
  AND d.objsubid = 0
WHERE {own_schema:n.nspname}
  AND {no_member:pg_namespace:n.oid}
