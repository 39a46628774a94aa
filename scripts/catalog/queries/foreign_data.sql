-- Foreign data wrappers, foreign servers and user mappings. Options of a mapping may be passwords:
-- only their names are read.
SELECT 'foreign data wrapper' AS class, quote_ident(w.fdwname) AS name,
  nullif(w.fdwhandler::regproc::text, '-') AS handler,
  nullif(w.fdwvalidator::regproc::text, '-') AS validator,
  NULL AS wrapper, NULL AS type, NULL AS version,
  w.fdwoptions AS options,
  pg_get_userbyid(w.fdwowner) AS owner,
  ARRAY(SELECT a::text FROM unnest(coalesce(w.fdwacl, acldefault('F', w.fdwowner))) a ORDER BY 1)
    AS privileges,
  d.description AS comment
FROM pg_foreign_data_wrapper w
LEFT JOIN pg_description d ON d.classoid = 'pg_foreign_data_wrapper'::regclass AND d.objoid = w.oid
WHERE {no_member:pg_foreign_data_wrapper:w.oid}
UNION ALL
SELECT 'foreign server', quote_ident(s.srvname), NULL, NULL,
  (SELECT quote_ident(w.fdwname) FROM pg_foreign_data_wrapper w WHERE w.oid = s.srvfdw),
  s.srvtype, s.srvversion, s.srvoptions, pg_get_userbyid(s.srvowner),
  ARRAY(SELECT a::text FROM unnest(coalesce(s.srvacl, acldefault('S', s.srvowner))) a ORDER BY 1),
  d.description
FROM pg_foreign_server s
LEFT JOIN pg_description d ON d.classoid = 'pg_foreign_server'::regclass AND d.objoid = s.oid
WHERE {no_member:pg_foreign_server:s.oid}
UNION ALL
SELECT 'user mapping', format('for %s on %I', CASE u.umuser WHEN 0 THEN 'public'
    ELSE quote_ident(pg_get_userbyid(u.umuser)) END, s.srvname),
  NULL, NULL, NULL, NULL, NULL,
  ARRAY(SELECT split_part(o, '=', 1) FROM unnest(u.umoptions) o ORDER BY 1), NULL, NULL, NULL
FROM pg_user_mappings u
JOIN pg_foreign_server s ON s.oid = u.srvid
