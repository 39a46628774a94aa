-- Marks: which relation a row of a catalog belongs to, and a number that is another when the row is.
-- 0 stands for what is no part of a relation, 1 for what anything may depend on: a role, a tablespace,
-- an extension, which may be moved with all its types.
SELECT oid, {mark} FROM pg_class WHERE {own:oid} AND relnamespace <> 'pg_toast'::regnamespace
-- The options of the table that keeps long values are those of the table that has them.
UNION ALL SELECT (SELECT t.oid FROM pg_class t WHERE t.reltoastrelid = c.oid), {mark:c} FROM pg_class c
WHERE c.relkind = 't' AND c.reloptions IS NOT NULL
UNION ALL SELECT attrelid, {mark} FROM pg_attribute WHERE {own:attrelid} AND attnum > 0
UNION ALL SELECT adrelid, {mark} FROM pg_attrdef WHERE {own:adrelid}
UNION ALL SELECT conrelid, {mark} FROM pg_constraint WHERE {own:conrelid} OR conrelid = 0
UNION ALL SELECT ftrelid, {mark} FROM pg_foreign_table WHERE {own:ftrelid}
UNION ALL SELECT indrelid, {mark} FROM pg_index WHERE {own:indrelid}
UNION ALL SELECT inhrelid, {mark} FROM pg_inherits WHERE {own:inhrelid}
UNION ALL SELECT partrelid, {mark} FROM pg_partitioned_table WHERE {own:partrelid}
UNION ALL SELECT polrelid, {mark} FROM pg_policy WHERE {own:polrelid}
UNION ALL SELECT ev_class, {mark} FROM pg_rewrite WHERE {own:ev_class}
UNION ALL SELECT seqrelid, {mark} FROM pg_sequence WHERE {own:seqrelid}
-- What checks a foreign key is the key's, on whichever of its two tables it stands.
UNION ALL SELECT coalesce((SELECT nullif(k.conrelid, 0) FROM pg_constraint k
  WHERE k.oid = t.tgconstraint), t.tgrelid), {mark:t} FROM pg_trigger t
UNION ALL SELECT 0, bit_xor({mark}) FROM pg_aggregate WHERE {own:aggfnoid}
UNION ALL SELECT 0, bit_xor({mark}) FROM pg_am
UNION ALL SELECT 0, bit_xor({mark}) FROM pg_amop WHERE {own:oid}
UNION ALL SELECT 0, bit_xor({mark}) FROM pg_amproc WHERE {own:oid}
UNION ALL SELECT 0, bit_xor({mark}) FROM pg_cast
UNION ALL SELECT 0, bit_xor({mark}) FROM pg_collation
UNION ALL SELECT 0, bit_xor({mark}) FROM pg_conversion WHERE {own:oid}
UNION ALL SELECT 0, bit_xor({mark}) FROM pg_default_acl
UNION ALL SELECT 0, bit_xor({mark}) FROM pg_enum
UNION ALL SELECT 0, bit_xor({mark}) FROM pg_event_trigger
UNION ALL SELECT 0, bit_xor({mark}) FROM pg_language
UNION ALL SELECT 0, bit_xor({mark}) FROM pg_largeobject_metadata
UNION ALL SELECT 0, bit_xor({mark}) FROM pg_namespace
UNION ALL SELECT 0, bit_xor({mark}) FROM pg_opclass WHERE {own:oid}
UNION ALL SELECT 0, bit_xor({mark}) FROM pg_operator WHERE {own:oid}
UNION ALL SELECT 0, bit_xor({mark}) FROM pg_opfamily WHERE {own:oid}
UNION ALL SELECT 0, bit_xor({mark}) FROM pg_proc WHERE {own:oid}
UNION ALL SELECT 0, bit_xor({mark}) FROM pg_publication
UNION ALL SELECT 0, bit_xor({mark}) FROM pg_publication_namespace
UNION ALL SELECT 0, bit_xor({mark}) FROM pg_publication_rel
UNION ALL SELECT 0, bit_xor({mark}) FROM pg_range
UNION ALL SELECT 0, bit_xor({mark}) FROM pg_seclabel
UNION ALL SELECT 0, bit_xor({mark}) FROM pg_statistic_ext
UNION ALL SELECT 0, bit_xor({mark}) FROM pg_transform
UNION ALL SELECT 0, bit_xor({mark}) FROM pg_ts_config
UNION ALL SELECT 0, bit_xor({mark}) FROM pg_ts_config_map WHERE {own:mapcfg}
UNION ALL SELECT 0, bit_xor({mark}) FROM pg_ts_dict
UNION ALL SELECT 0, bit_xor({mark}) FROM pg_ts_parser
UNION ALL SELECT 0, bit_xor({mark}) FROM pg_ts_template
-- The types of tables and arrays go with what they are made for.
UNION ALL SELECT 0, bit_xor({mark}) FROM pg_type
WHERE {own:oid} AND typinput <> 'array_in'::regproc AND (typtype <> 'c' OR EXISTS
  (SELECT FROM pg_class c WHERE c.oid = typrelid AND c.relkind = 'c'))
-- Of what databases share, this one's.
UNION ALL SELECT 0, bit_xor({mark}) FROM pg_database WHERE {this:oid}
UNION ALL SELECT 0, bit_xor({mark}) FROM pg_db_role_setting WHERE {this:setdatabase}
UNION ALL SELECT 0, bit_xor({mark}) FROM pg_shdescription WHERE {this:objoid}
-- Their rows may not be read by everybody; what a snapshot reads of them may.
UNION ALL SELECT 0, bit_xor(hashtextextended(q::text, 1)) FROM ({foreign_data}) q
UNION ALL SELECT 0, bit_xor(hashtextextended(q::text, 2)) FROM ({subscriptions}) q
UNION ALL SELECT 1, bit_xor(hashtextextended(rolname, oid::bigint)) FROM pg_roles
UNION ALL SELECT 1, bit_xor({mark}) FROM pg_tablespace
UNION ALL SELECT 1, bit_xor({mark}) FROM pg_extension
-- A comment belongs to what it is on, and with that perhaps to a relation.
UNION ALL SELECT 0, bit_xor({mark}) FROM pg_description
WHERE objoid < 16384 AND classoid NOT IN ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass)
UNION ALL SELECT CASE WHEN classoid = 'pg_class'::regclass THEN objoid ELSE coalesce(
    (SELECT p.conrelid FROM pg_constraint p
      WHERE classoid = 'pg_constraint'::regclass AND p.oid = objoid),
    (SELECT p.tgrelid FROM pg_trigger p WHERE classoid = 'pg_trigger'::regclass AND p.oid = objoid),
    (SELECT p.polrelid FROM pg_policy p WHERE classoid = 'pg_policy'::regclass AND p.oid = objoid),
    (SELECT p.ev_class FROM pg_rewrite p WHERE classoid = 'pg_rewrite'::regclass AND p.oid = objoid),
    0) END, {mark}
FROM pg_description WHERE {own:objoid}
-- The columns of sequences, and the members of extensions.
UNION ALL SELECT d.objid, {mark:d} FROM pg_sequence s
JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.seqrelid
UNION ALL SELECT CASE WHEN classid = 'pg_class'::regclass THEN objid ELSE 1 END, {mark} FROM pg_depend
WHERE deptype IN ('e', 'x') AND ({own:objid} OR classid = 'pg_namespace'::regclass)
