-- Large objects: their numbers, not what they hold.
SELECT 'large object' AS class, m.oid::text AS name,
  pg_get_userbyid(m.lomowner) AS owner,
  ARRAY(SELECT a::text FROM unnest(coalesce(m.lomacl, acldefault('L', m.lomowner))) a ORDER BY 1)
    AS privileges,
  d.description AS comment
FROM pg_largeobject_metadata m
LEFT JOIN pg_description d ON d.classoid = 'pg_largeobject'::regclass AND d.objoid = m.oid
