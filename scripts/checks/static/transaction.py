"""What a file's transaction, or the lack of one, means for its statements."""

from __future__ import annotations

from collections.abc import Iterator

from scripts.checks.finding import Finding
from scripts.checks.tree.effect import joined, strings
from scripts.checks.tree.source import Parsed, Source
from scripts.sqltext import lexer, transaction_block
from scripts.sqltext.lexer import Kind

# What may need a commit of its own: many rows, a long scan, a procedure that commits, an enum value
# that the next statement uses.
_BY_ITSELF = (
    "insert_stmt",
    "update_stmt",
    "delete_stmt",
    "merge_stmt",
    "select_stmt",
    "call_stmt",
    "do_stmt",
    "alter_enum_stmt",
)


def check(source: Source) -> Iterator[Finding]:
    """Find a needless 'Transaction: none', and an enum value used before it is committed."""
    file = source.file
    if file is None:
        return
    if not file.header.transactional:
        if not any(_needs_none(parsed) for parsed in source.statements):
            yield source.finding(
                "needless-no-transaction",
                "no statement needs '-- Transaction: none', and a failure would leave the file "
                "half applied",
                line=1,
                hint="remove the line: the file then runs in one transaction",
            )
        return
    for _, section in source.sections:
        yield from _new_values(source, section)


def _needs_none(parsed: Parsed) -> bool:
    return (
        transaction_block.may_refuse(parsed.statement)
        or parsed.kind in _BY_ITSELF
        or "VALIDATE CONSTRAINT" in parsed.statement.text.upper()
    )


def _new_values(source: Source, section: tuple[Parsed, ...]) -> Iterator[Finding]:
    """Find an enum value that is used in the transaction that adds it, unless the type is new.

    https://www.postgresql.org/docs/current/sql-altertype.html
    """
    types: set[str] = set()
    added: dict[str, str] = {}
    for parsed in section:
        if parsed.tree and parsed.kind == "create_enum_stmt":
            types.add(joined(strings(parsed.tree.create_enum_stmt.type_name)))
        elif parsed.tree and parsed.kind == "alter_enum_stmt":
            node = parsed.tree.alter_enum_stmt
            name = joined(strings(node.type_name))
            if name not in types and not node.old_val:
                added[node.new_val] = name
        elif added and parsed.kind not in ("comment_stmt", "create_function_stmt"):
            used = next((value for value in _strings(parsed) if value in added), None)
            if used is not None:
                yield source.finding(
                    "enum-used-at-once",
                    f"'{used}' is used in the transaction that adds it to {added[used]}",
                    line=parsed.statement.line,
                    hint="add the value in a migration of its own, before this one",
                )


def _strings(parsed: Parsed) -> Iterator[str]:
    text = parsed.statement.text
    for token in lexer.tokens(text):
        if token.kind is Kind.STRING:
            yield text[token.start : token.end].strip("'").replace("''", "'")
