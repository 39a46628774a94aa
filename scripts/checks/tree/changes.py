"""What ALTER, DROP and INSERT do."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from postgast import pg_query_pb2 as pg

from scripts.checks.tree.effect import Effect, Verb, joined, kind_of, relation, strings

_CONDITION = "a DO block that looks first whether it has been done"


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
            verb=verb, kind=kind, name=name, of=table, repeatable=command.missing_ok, how=how
        )


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
        )
    else:
        yield Effect(
            verb=Verb.CREATE,
            kind="value",
            name=node.new_val,
            of=name,
            repeatable=node.skip_if_new_val_exists,
            how="IF NOT EXISTS",
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
    )


def _insert(node: pg.InsertStmt) -> Iterator[Effect]:
    select = node.select_stmt.select_stmt
    asks = select.HasField("where_clause")
    yield Effect(
        verb=Verb.OTHER,
        kind="row",
        name="",
        of=relation(node.relation),
        repeatable=node.HasField("on_conflict_clause") or asks,
        how="ON CONFLICT, or a WHERE NOT EXISTS",
    )


_ALTERS = {
    pg.AT_AddColumn: ("column", Verb.CREATE, "IF NOT EXISTS"),
    pg.AT_DropColumn: ("column", Verb.DROP, "IF EXISTS"),
    pg.AT_AddConstraint: ("constraint", Verb.CREATE, "a DROP CONSTRAINT IF EXISTS ahead of it"),
    pg.AT_DropConstraint: ("constraint", Verb.DROP, "IF EXISTS"),
    pg.AT_AddIdentity: ("identity", Verb.CREATE, "a DROP IDENTITY IF EXISTS ahead of it"),
    pg.AT_DropIdentity: ("identity", Verb.DROP, "IF EXISTS"),
    pg.AT_AttachPartition: ("partition", Verb.OTHER, _CONDITION),
    pg.AT_DetachPartition: ("partition", Verb.OTHER, _CONDITION),
    pg.AT_AddInherit: ("parent", Verb.OTHER, _CONDITION),
    pg.AT_DropInherit: ("parent", Verb.OTHER, _CONDITION),
}
READERS: dict[str, Callable[..., Iterator[Effect]]] = {
    "drop_stmt": _drop,
    "alter_table_stmt": _alter,
    "alter_enum_stmt": _alter_enum,
    "rename_stmt": _rename,
    "insert_stmt": _insert,
}
