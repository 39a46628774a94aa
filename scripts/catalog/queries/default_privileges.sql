-- ALTER DEFAULT PRIVILEGES.
SELECT 'default privileges' AS class,
  format('of %I on %s%s', pg_get_userbyid(p.defaclrole), CASE p.defaclobjtype WHEN 'r' THEN 'tables'
      WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions' WHEN 'T' THEN 'types'
      WHEN 'n' THEN 'schemas' ELSE p.defaclobjtype::text END,
    CASE WHEN n.oid IS NULL THEN '' ELSE format(' in %I', n.nspname) END) AS name,
  ARRAY(SELECT a::text FROM unnest(p.defaclacl) a ORDER BY 1) AS privileges
FROM pg_default_acl p
LEFT JOIN pg_namespace n ON n.oid = p.defaclnamespace
