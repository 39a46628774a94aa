"""A history, statement by statement: what each creates although an earlier file did."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from postgast import pg_query_pb2 as pg

from scripts.checks.tree import effects
from scripts.checks.tree.catalog import Catalog, Space
from scripts.checks.tree.effect import kind_of, strings
from scripts.checks.tree.scene import DEFAULT, Clash, File, names
from scripts.checks.tree.source import Parsed

_RELATIONS = ("table", "view", "materialized view", "foreign table", "sequence", "index")
_TYPES = ("type", "domain")
Clashes = Iterator[Clash]


class Replay:
    """The database that a history produces."""

    def __init__(self) -> None:
        """Start with an empty database."""
        self._catalog = Catalog()
        self._path: tuple[str, ...] = DEFAULT

    def forget(self) -> None:
        """Forget everything: a file's effects are unknown, so nothing is certain any more."""
        self._catalog = Catalog()

    def run(self, version: str, up: Iterable[Parsed]) -> Iterator[tuple[Parsed, Clash]]:
        """Run the UP of a version, and yield where it creates what an earlier one created."""
        file = File(self._catalog, version, self._path)
        for parsed in up:
            text = parsed.statement.text
            file.follow(parsed)
            if parsed.error or effects.is_opaque(parsed):
                file.look_into(text)
            if parsed.kind in _SETTINGS and "search_path" in text.lower():
                # It applies to later sessions, and may name schemas that others have set.
                self._path = file.unknown
            read = _READERS.get(parsed.kind)
            if read and parsed.tree:
                for clash in read(file, getattr(parsed.tree, parsed.kind)):
                    yield parsed, clash
        if file.is_opaque:
            self.forget()


def _table(file: File, node: pg.CreateStmt, kind: str = "table") -> Clashes:
    parents = (file.relation(item.range_var) for item in node.inh_relations)
    needs = [parent for parent in parents if parent]
    before = file.catalog.get(file.new(Space.RELATION, names(node.relation)))
    hidden = node.if_not_exists
    yield from file.create_relation(node.relation, kind, hidden=hidden, needs=needs)
    table = file.relation(node.relation)
    for item in node.table_elts if before is None else ():
        if table and item.WhichOneof("node") == "column_def":
            yield from file.create(
                table.column_of(item.column_def.colname), "column", hidden=hidden
            )


def _foreign_table(file: File, node: pg.CreateForeignTableStmt) -> Clashes:
    return _table(file, node.base_stmt, "foreign table")


def _table_as(file: File, node: pg.CreateTableAsStmt) -> Clashes:
    is_view = node.objtype == pg.OBJECT_MATVIEW
    needs = file.tables_in(node.query) if is_view else ()
    kind = "materialized view" if is_view else "table"
    return file.create_relation(node.into.rel, kind, hidden=node.if_not_exists, needs=needs)


def _select_into(file: File, node: pg.SelectStmt) -> Clashes:
    if node.HasField("into_clause"):
        yield from file.create_relation(node.into_clause.rel, "table", hidden=False)


def _view(file: File, node: pg.ViewStmt) -> Clashes:
    if file.is_temporary(node.query):  # then so is the view, as the server has it
        file.temporary.add(node.view.relname)
        return iter(())
    needs = file.tables_in(node.query)
    clashes = list(file.create_relation(node.view, "view", hidden=False, needs=needs))
    return iter(() if node.replace else clashes)


def _sequence(file: File, node: pg.CreateSeqStmt) -> Clashes:
    yield from file.create_relation(node.sequence, "sequence", hidden=node.if_not_exists)
    yield from _own(file, node)


def _own(file: File, node: pg.CreateSeqStmt | pg.AlterSeqStmt) -> Clashes:
    """Let a sequence be dropped with the column that it is OWNED BY."""
    sequence = file.relation(node.sequence)
    for option in node.options:
        owner = strings(option.def_elem.arg.list.items)
        if sequence and option.def_elem.defname == "owned_by" and owner[1:]:
            file.catalog.bind(sequence, file.there(Space.RELATION, owner[:-1]))
    return iter(())


def _type(parts: Callable[[Any], list[str]], kind: str = "type") -> Callable[[File, Any], Clashes]:
    def read(file: File, node: Any) -> Clashes:
        return file.create(file.new(Space.TYPE, parts(node)), kind, hidden=False)

    return read


def _defined(file: File, node: pg.DefineStmt) -> Clashes:
    if node.kind == pg.OBJECT_TYPE:
        yield from file.create(file.new(Space.TYPE, strings(node.defnames)), "type", hidden=False)


def _drop(file: File, node: pg.DropStmt) -> Clashes:
    kind = kind_of(node.remove_type)
    for item in node.objects:
        if kind == "schema":
            file.catalog.drop_schema(item.string.sval)
        elif kind in _TYPES:
            file.catalog.drop(file.there(Space.TYPE, strings(item.type_name.names)))
        elif kind in _RELATIONS:
            file.drop_relation(strings(item.list.items))
    if node.behavior == pg.DROP_CASCADE and kind not in ("schema", *_RELATIONS):
        # Columns of that type, views with that function: the text does not show which.
        file.catalog.drop_where(lambda thing, made: bool(thing.column) or "view" in made.kind)
    return iter(())


def _drop_owned(file: File, node: pg.DropOwnedStmt) -> Clashes:  # noqa: ARG001 - as all readers
    file.catalog.drop_where(lambda _thing, _made: True)
    return iter(())


def _alter(file: File, node: pg.AlterTableStmt) -> Clashes:
    table = file.relation(node.relation)
    if table is None or node.objtype == pg.OBJECT_TYPE:
        return
    # The server drops columns before it adds any: ADD a, DROP a is no clash.
    for item in sorted(node.cmds, key=lambda one: one.alter_table_cmd.subtype != pg.AT_DropColumn):
        command = item.alter_table_cmd
        what = getattr(command, "def")
        match command.subtype:
            case pg.AT_AddColumn:
                column = table.column_of(what.column_def.colname)
                yield from file.create(column, "column", hidden=command.missing_ok)
            case pg.AT_DropColumn:
                cascade = command.behavior == pg.DROP_CASCADE
                file.catalog.drop_column(table.column_of(command.name), cascade=cascade)
            case pg.AT_AttachPartition | pg.AT_DetachPartition:
                part = file.relation(what.partition_cmd.name)
                bind = command.subtype == pg.AT_AttachPartition
                if part:
                    (file.catalog.bind if bind else file.catalog.release)(part, table)
            case _:
                pass


def _rename(file: File, node: pg.RenameStmt) -> Clashes:
    kind = kind_of(node.rename_type)
    if kind == "schema":
        file.catalog.move_schema(node.subname, node.newname)
    elif kind in _TYPES:
        old = file.there(Space.TYPE, strings(node.object.list.items))
        file.catalog.move(old, old.called(node.newname))
    elif kind == "column" or kind in _RELATIONS:
        table = file.relation(node.relation)
        if table and kind == "column":
            file.catalog.move(table.column_of(node.subname), table.column_of(node.newname))
        elif table:
            file.catalog.move(table, table.called(node.newname))
    return iter(())


def _move(file: File, node: pg.AlterObjectSchemaStmt) -> Clashes:
    kind = kind_of(node.object_type)
    old = None
    if kind in _TYPES:
        old = file.there(Space.TYPE, strings(node.object.list.items))
    elif kind in _RELATIONS:
        old = file.relation(node.relation)
    if old:
        file.catalog.move(old, old.called(old.name, schema=node.newschema))
    return iter(())


_SETTINGS = ("alter_database_set_stmt", "alter_role_set_stmt")
_READERS: dict[str, Callable[[File, Any], Clashes]] = {
    "create_stmt": _table,
    "create_foreign_table_stmt": _foreign_table,
    "create_table_as_stmt": _table_as,
    "select_stmt": _select_into,
    "view_stmt": _view,
    "create_seq_stmt": _sequence,
    "alter_seq_stmt": _own,
    "create_enum_stmt": _type(lambda node: strings(node.type_name)),
    "create_range_stmt": _type(lambda node: strings(node.type_name)),
    "create_domain_stmt": _type(lambda node: strings(node.domainname), "domain"),
    "composite_type_stmt": _type(lambda node: names(node.typevar)),
    "define_stmt": _defined,
    "drop_stmt": _drop,
    "drop_owned_stmt": _drop_owned,
    "alter_table_stmt": _alter,
    "rename_stmt": _rename,
    "alter_object_schema_stmt": _move,
}
