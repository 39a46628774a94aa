-- ALTER DATABASE SET, and ALTER ROLE IN DATABASE SET.
SELECT 'settings' AS class,
  CASE s.setrole WHEN 0 THEN 'of the database' ELSE format('of %I in the database',
    pg_get_userbyid(s.setrole)) END AS name,
  ARRAY(SELECT c FROM unnest(s.setconfig) c ORDER BY 1) AS values
FROM pg_db_role_setting s
WHERE s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
