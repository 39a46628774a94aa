-- Policies of row security.
SELECT 'policy' AS class, format('%s.%I', p.polrelid::regclass, p.polname) AS name,
  p.polrelid::regclass::text AS parent,
  p.polcmd AS command, p.polpermissive AS permissive,
  ARRAY(SELECT CASE r WHEN 0 THEN 'public' ELSE pg_get_userbyid(r) END
    FROM unnest(p.polroles) r ORDER BY 1) AS roles,
  pg_get_expr(p.polqual, p.polrelid) AS using,
  pg_get_expr(p.polwithcheck, p.polrelid) AS with_check,
  d.description AS comment
FROM pg_policy p
JOIN pg_class c ON c.oid = p.polrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_description d ON d.classoid = 'pg_policy'::regclass AND d.objoid = p.oid
WHERE {of:p.polrelid}
  AND {own_schema:n.nspname}
  AND {no_member:pg_class:c.oid}
