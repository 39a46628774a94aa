-- The database itself; its name differs from one copy to another.
SELECT 'database' AS class, 'the database' AS name,
  pg_encoding_to_char(b.encoding) AS encoding,
  b.datcollate AS collate, b.datctype AS ctype, b.datlocprovider AS locale_provider,
  coalesce(to_jsonb(b)->>'datlocale', to_jsonb(b)->>'daticulocale') AS locale,
  to_jsonb(b)->>'daticurules' AS locale_rules,
  nullif(b.datconnlimit, -1) AS connection_limit, nullif(b.datallowconn, true) AS allows_connections,
  nullif(b.datistemplate, false) AS is_template,
  nullif(t.spcname, 'pg_default') AS tablespace,
  pg_get_userbyid(b.datdba) AS owner,
  ARRAY(SELECT a::text FROM unnest(coalesce(b.datacl, acldefault('d', b.datdba))) a ORDER BY 1)
    AS privileges,
  d.description AS comment
FROM pg_database b
JOIN pg_tablespace t ON t.oid = b.dattablespace
LEFT JOIN pg_shdescription d ON d.classoid = 'pg_database'::regclass AND d.objoid = b.oid
WHERE b.datname = current_database()
