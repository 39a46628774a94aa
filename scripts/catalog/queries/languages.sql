-- Procedural languages, and transforms for them.
SELECT 'language' AS class, quote_ident(l.lanname) AS name,
  l.lanpltrusted AS trusted, nullif(l.lanplcallfoid::regproc::text, '-') AS handler,
  nullif(l.laninline::regproc::text, '-') AS inline,
  nullif(l.lanvalidator::regproc::text, '-') AS validator,
  NULL AS from_sql, NULL AS to_sql,
  pg_get_userbyid(l.lanowner) AS owner,
  ARRAY(SELECT a::text FROM unnest(coalesce(l.lanacl, acldefault('l', l.lanowner))) a ORDER BY 1)
    AS privileges,
  d.description AS comment
FROM pg_language l
LEFT JOIN pg_description d ON d.classoid = 'pg_language'::regclass AND d.objoid = l.oid
WHERE l.lanispl AND {no_member:pg_language:l.oid}
UNION ALL
SELECT 'transform', format('for %s language %I', format_type(t.trftype, NULL), l.lanname),
  NULL, NULL, NULL, NULL, nullif(t.trffromsql::regproc::text, '-'),
  nullif(t.trftosql::regproc::text, '-'), NULL, NULL, d.description
FROM pg_transform t
JOIN pg_language l ON l.oid = t.trflang
LEFT JOIN pg_description d ON d.classoid = 'pg_transform'::regclass AND d.objoid = t.oid
WHERE {no_member:pg_transform:t.oid}
