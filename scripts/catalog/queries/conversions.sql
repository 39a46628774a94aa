-- Conversions between encodings.
SELECT 'conversion' AS class, format('%I.%I', n.nspname, c.conname) AS name,
  pg_encoding_to_char(c.conforencoding) AS source, pg_encoding_to_char(c.contoencoding) AS target,
  c.conproc::text AS function, nullif(c.condefault, false) AS default,
  pg_get_userbyid(c.conowner) AS owner,
  d.description AS comment
FROM pg_conversion c
JOIN pg_namespace n ON n.oid = c.connamespace
LEFT JOIN pg_description d ON d.classoid = 'pg_conversion'::regclass AND d.objoid = c.oid
WHERE {own_schema:n.nspname}
  AND {no_member:pg_conversion:c.oid}
