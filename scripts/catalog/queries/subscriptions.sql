-- Subscriptions of this database. Where they connect to may hold a password, and is not read.
SELECT 'subscription' AS class, quote_ident(s.subname) AS name,
  s.subenabled AS enabled, s.subbinary AS binary, s.subslotname AS slot,
  s.subsynccommit AS synchronous_commit,
  ARRAY(SELECT p FROM unnest(s.subpublications) p ORDER BY 1) AS publications,
  nullif(s.subdisableonerr, false) AS disable_on_error,
  to_jsonb(s)->>'substream' AS streaming, s.subtwophasestate AS two_phase,
  to_jsonb(s)->>'suborigin' AS origin, to_jsonb(s)->>'subfailover' AS failover,
  to_jsonb(s)->>'subpasswordrequired' AS password_required,
  to_jsonb(s)->>'subrunasowner' AS run_as_owner,
  pg_get_userbyid(s.subowner) AS owner,
  d.description AS comment
FROM pg_subscription s
LEFT JOIN pg_description d ON d.classoid = 'pg_subscription'::regclass AND d.objoid = s.oid
WHERE s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
