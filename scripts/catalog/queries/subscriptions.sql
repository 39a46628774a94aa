-- Subscriptions of this database. Where they connect to may hold a password, and is not read, nor may it
-- be: the whole row is refused. A column that the server's version lacks is NULL: its name is sought in
-- the inner query first, then in the outer ones.
SELECT 'subscription' AS class, quote_ident(s.subname) AS name,
  s.subenabled AS enabled, s.subbinary AS binary, s.subslotname AS slot,
  s.subsynccommit AS synchronous_commit,
  ARRAY(SELECT p FROM unnest(s.subpublications) p ORDER BY 1) AS publications,
  nullif(s.subdisableonerr, false) AS disable_on_error,
  v.streaming, s.subtwophasestate AS two_phase, v.origin, v.failover, v.password_required, v.run_as_owner,
  pg_get_userbyid(s.subowner) AS owner,
  d.description AS comment
FROM pg_subscription s
CROSS JOIN (SELECT NULL AS substream, NULL AS suborigin, NULL AS subfailover,
  NULL AS subpasswordrequired, NULL AS subrunasowner) lacking
CROSS JOIN LATERAL (SELECT substream::text AS streaming, suborigin::text AS origin,
  subfailover::text AS failover, subpasswordrequired::text AS password_required,
  subrunasowner::text AS run_as_owner FROM pg_subscription x WHERE x.oid = s.oid) v
LEFT JOIN pg_description d ON d.classoid = 'pg_subscription'::regclass AND d.objoid = s.oid
WHERE s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
