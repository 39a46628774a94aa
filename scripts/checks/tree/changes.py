"""What ALTER, DROP and INSERT do."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from postgast import pg_query_pb2 as pg

from scripts.checks.tree.effect import Effect, Verb, joined, kind_of, relation, strings

_CONDITION = "a DO block that first checks whether it has been done"


def _drop(node: pg.DropStmt) -> Iterator[Effect]:
    kind = kind_of(node.remove_type)
    for item in node.objects:
        names = _names(item)
        owner = ""
        if kind in ("trigger", "policy", "rule"):
            owner, names = joined(names[:-1]), names[-1:]
        yield Effect(
            verb=Verb.DROP,
            kind=kind,
            name=joined(names),
            of=owner,
            repeatable=node.missing_ok,
            how="IF EXISTS",
        )


def _names(item: pg.Node) -> list[str]:
    match item.WhichOneof("node"):
        case "list":
            return strings(item.list.items)
        case "object_with_args":
            return strings(item.object_with_args.objname)
        case "type_name":
            return strings(item.type_name.names)
        case _:
            return strings([item])


def _alter(node: pg.AlterTableStmt) -> Iterator[Effect]:
    table = relation(node.relation)
    for item in node.cmds:
        command = item.alter_table_cmd
        kind, verb, how = _ALTERS.get(command.subtype, ("", None, ""))
        if verb is None:
            continue
        name = command.name
        if command.subtype == pg.AT_AddColumn:
            name = getattr(command, "def").column_def.colname
        if command.subtype == pg.AT_AddConstraint:
            name = getattr(command, "def").constraint.conname
        yield Effect(
            verb=verb,
            kind=kind,
            name=name,
            of=table,
            repeatable=command.missing_ok,
            how=how,
            sql=_alteration(command),
        )


def _alteration(command: pg.AlterTableCmd) -> str:
    """Return the words of a part of ALTER TABLE that is neither an ADD nor a DROP of a name."""
    what = getattr(command, "def")
    match command.subtype:
        case pg.AT_AddIdentity:
            return f"ALTER COLUMN {command.name} ADD GENERATED … AS IDENTITY"
        case pg.AT_DropIdentity:
            return f"ALTER COLUMN {command.name} DROP IDENTITY"
        case pg.AT_AttachPartition | pg.AT_DetachPartition:
            return f"{_WORDS[command.subtype]} {relation(what.partition_cmd.name)}"
        case pg.AT_AddInherit | pg.AT_DropInherit:
            return f"{_WORDS[command.subtype]} {relation(what.range_var)}"
        case _:
            return ""


def _alter_enum(node: pg.AlterEnumStmt) -> Iterator[Effect]:
    name = joined(strings(node.type_name))
    if node.old_val:
        yield Effect(
            verb=Verb.OTHER,
            kind="value",
            name=node.old_val,
            of=name,
            repeatable=False,
            how=_CONDITION,
            sql=f"RENAME VALUE '{node.old_val}' TO '{node.new_val}'",
        )
    else:
        yield Effect(
            verb=Verb.CREATE,
            kind="value",
            name=node.new_val,
            of=name,
            repeatable=node.skip_if_new_val_exists,
            how="IF NOT EXISTS",
            sql=f"ALTER TYPE {name} ADD VALUE '{node.new_val}'",
        )


def _rename(node: pg.RenameStmt) -> Iterator[Effect]:
    kind = kind_of(node.rename_type)
    yield Effect(
        verb=Verb.OTHER,
        kind=kind,
        name=node.newname,
        of=relation(node.relation) if node.relation.relname else "",
        repeatable=node.missing_ok,
        how=_CONDITION,
        sql=_renaming(node, kind),
    )


def _renaming(node: pg.RenameStmt, kind: str) -> str:
    """Return the words of a rename: RENAME COLUMN a TO b, ALTER TABLE a RENAME TO b."""
    table = relation(node.relation) if node.relation.relname else ""
    if kind in ("column", "attribute") or "constraint" in kind:
        return f"RENAME {kind.removeprefix('dom').upper()} {node.subname} TO {node.newname}"
    old = node.subname or table or joined(_names(node.object))
    on = f" ON {table}" if node.subname and table else ""
    return f"ALTER {kind.upper()} {old}{on} RENAME TO {node.newname}"


def _insert(node: pg.InsertStmt) -> Iterator[Effect]:
    select = node.select_stmt.select_stmt
    asks = select.HasField("where_clause")
    yield Effect(
        verb=Verb.OTHER,
        kind="row",
        name="",
        of=relation(node.relation),
        repeatable=node.HasField("on_conflict_clause") or asks,
        how="ON CONFLICT, or WHERE NOT EXISTS",
        sql=f"INSERT INTO {relation(node.relation)}",
    )


_ALTERS = {
    pg.AT_AddColumn: ("column", Verb.CREATE, "IF NOT EXISTS"),
    pg.AT_DropColumn: ("column", Verb.DROP, "IF EXISTS"),
    pg.AT_AddConstraint: ("constraint", Verb.CREATE, "a DROP CONSTRAINT IF EXISTS before it"),
    pg.AT_DropConstraint: ("constraint", Verb.DROP, "IF EXISTS"),
    pg.AT_AddIdentity: ("identity", Verb.CREATE, "a DROP IDENTITY IF EXISTS before it"),
    pg.AT_DropIdentity: ("identity", Verb.DROP, "IF EXISTS"),
    pg.AT_AttachPartition: ("partition", Verb.OTHER, _CONDITION),
    pg.AT_DetachPartition: ("partition", Verb.OTHER, _CONDITION),
    pg.AT_AddInherit: ("parent", Verb.OTHER, _CONDITION),
    pg.AT_DropInherit: ("parent", Verb.OTHER, _CONDITION),
}
_WORDS = {
    pg.AT_AttachPartition: "ATTACH PARTITION",
    pg.AT_DetachPartition: "DETACH PARTITION",
    pg.AT_AddInherit: "INHERIT",
    pg.AT_DropInherit: "NO INHERIT",
}
READERS: dict[str, Callable[..., Iterator[Effect]]] = {
    "drop_stmt": _drop,
    "alter_table_stmt": _alter,
    "alter_enum_stmt": _alter_enum,
    "rename_stmt": _rename,
    "insert_stmt": _insert,
}
