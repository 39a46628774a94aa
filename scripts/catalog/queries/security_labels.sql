-- Security labels.
SELECT 'security label' AS class,
  format('of %s by %s', (SELECT i.identity FROM pg_identify_object(l.classoid, l.objoid,
    l.objsubid) i), l.provider) AS name,
  l.label
FROM pg_seclabel l
