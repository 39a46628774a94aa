-- What others' definitions name, beside relations and their columns: by the object's identity, so that a
-- name that another object has taken over is seen as well. Members of extensions are in it too.
SELECT 'pg_namespace'::regclass::bigint, oid::bigint, nspname::text FROM pg_namespace
UNION ALL SELECT 'pg_language'::regclass::bigint, oid::bigint, lanname FROM pg_language
UNION ALL SELECT 'pg_am'::regclass::bigint, oid::bigint, amname FROM pg_am
UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass::bigint, oid::bigint, fdwname
FROM pg_foreign_data_wrapper
UNION ALL SELECT 'pg_foreign_server'::regclass::bigint, oid::bigint, srvname FROM pg_foreign_server
UNION ALL SELECT 'pg_enum'::regclass::bigint, oid::bigint, enumlabel FROM pg_enum
UNION ALL SELECT 'pg_proc'::regclass::bigint, oid::bigint, pronamespace || '.' || proname
FROM pg_proc WHERE oid >= 16384
UNION ALL SELECT 'pg_type'::regclass::bigint, oid::bigint, typnamespace || '.' || typname
FROM pg_type WHERE oid >= 16384 AND typrelid = 0 AND typinput <> 'array_in'::regproc
UNION ALL SELECT 'pg_operator'::regclass::bigint, oid::bigint, oprnamespace || '.' || oprname
FROM pg_operator WHERE oid >= 16384
UNION ALL SELECT 'pg_collation'::regclass::bigint, oid::bigint, collnamespace || '.' || collname
FROM pg_collation WHERE oid >= 16384
UNION ALL SELECT 'pg_conversion'::regclass::bigint, oid::bigint, connamespace || '.' || conname
FROM pg_conversion WHERE oid >= 16384
UNION ALL SELECT 'pg_opclass'::regclass::bigint, oid::bigint, opcnamespace || '.' || opcname
FROM pg_opclass WHERE oid >= 16384
UNION ALL SELECT 'pg_opfamily'::regclass::bigint, oid::bigint, opfnamespace || '.' || opfname
FROM pg_opfamily WHERE oid >= 16384
UNION ALL SELECT 'pg_ts_config'::regclass::bigint, oid::bigint, cfgnamespace || '.' || cfgname
FROM pg_ts_config WHERE oid >= 16384
UNION ALL SELECT 'pg_ts_dict'::regclass::bigint, oid::bigint, dictnamespace || '.' || dictname
FROM pg_ts_dict WHERE oid >= 16384
UNION ALL SELECT 'pg_ts_parser'::regclass::bigint, oid::bigint, prsnamespace || '.' || prsname
FROM pg_ts_parser WHERE oid >= 16384
UNION ALL SELECT 'pg_ts_template'::regclass::bigint, oid::bigint, tmplnamespace || '.' || tmplname
FROM pg_ts_template WHERE oid >= 16384
