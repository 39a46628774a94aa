-- Operator classes.
SELECT 'operator class' AS class,
  format('%I.%I USING %I', n.nspname, o.opcname, m.amname) AS name,
  format('%I.%I', s.nspname, f.opfname) AS family,
  format_type(o.opcintype, NULL) AS type,
  nullif(o.opcdefault, false) AS default,
  CASE WHEN o.opckeytype <> 0 THEN format_type(o.opckeytype, NULL) END AS storage,
  pg_get_userbyid(o.opcowner) AS owner,
  d.description AS comment
FROM pg_opclass o
JOIN pg_namespace n ON n.oid = o.opcnamespace
JOIN pg_am m ON m.oid = o.opcmethod
JOIN pg_opfamily f ON f.oid = o.opcfamily
JOIN pg_namespace s ON s.oid = f.opfnamespace
LEFT JOIN pg_description d ON d.classoid = 'pg_opclass'::regclass AND d.objoid = o.oid
WHERE {own_schema:n.nspname}
  AND {no_member:pg_opclass:o.oid}
