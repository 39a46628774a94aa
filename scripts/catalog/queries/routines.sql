-- Functions, procedures and aggregates.
SELECT CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END
    AS class,
  format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) AS name,
  CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) END AS definition,
  CASE WHEN p.prokind = 'a' THEN pg_get_function_result(p.oid) END AS returns,
  CASE WHEN p.prokind = 'a' THEN p.proparallel END AS parallel,
  nullif(g.aggkind, 'n') AS aggregate_kind, nullif(g.aggnumdirectargs, 0) AS direct_arguments,
  g.aggtransfn::text AS transition, nullif(g.aggfinalfn::text, '-') AS final,
  nullif(g.aggcombinefn::text, '-') AS combine, nullif(g.aggserialfn::text, '-') AS serialize,
  nullif(g.aggdeserialfn::text, '-') AS deserialize,
  nullif(g.aggmtransfn::text, '-') AS moving_transition,
  nullif(g.aggminvtransfn::text, '-') AS moving_inverse,
  nullif(g.aggmfinalfn::text, '-') AS moving_final,
  nullif(g.aggfinalextra, false) AS final_extra, nullif(g.aggmfinalextra, false)
    AS moving_final_extra,
  nullif(g.aggfinalmodify, 'r') AS final_modify, nullif(g.aggmfinalmodify, 'r')
    AS moving_final_modify,
  CASE WHEN g.aggsortop <> 0 THEN g.aggsortop::regoperator::text END AS sort_operator,
  CASE WHEN g.aggfnoid IS NOT NULL THEN format_type(g.aggtranstype, NULL) END AS state_type,
  nullif(g.aggtransspace, 0) AS state_size,
  CASE WHEN g.aggmtranstype <> 0 THEN format_type(g.aggmtranstype, NULL) END AS moving_state_type,
  nullif(g.aggmtransspace, 0) AS moving_state_size,
  g.agginitval AS initial, g.aggminitval AS moving_initial,
  pg_get_userbyid(p.proowner) AS owner,
  ARRAY(SELECT a::text FROM unnest(coalesce(p.proacl, acldefault('f', p.proowner))) a ORDER BY 1)
    AS privileges,
  ARRAY(SELECT e.extname FROM pg_depend x JOIN pg_extension e ON e.oid = x.refobjid
    WHERE x.classid = 'pg_proc'::regclass AND x.objid = p.oid AND x.deptype = 'x' ORDER BY 1)
    AS depends_on_extension,
  d.description AS comment
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
LEFT JOIN pg_aggregate g ON g.aggfnoid = p.oid
LEFT JOIN pg_description d ON d.classoid = 'pg_proc'::regclass AND d.objoid = p.oid
WHERE {own_schema:n.nspname}
  AND {no_member:pg_proc:p.oid}
  AND {not_internal:pg_proc:p.oid}
