"""Every text that people read, cut into what stands together, and what each piece names.

A piece is a line of a fenced block, what stands between two backticks there or in a paragraph, or
what is left of a paragraph without those. An option belongs to the command ahead of it there.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scripts.checks import rules
from tests.support.workspace import REPOSITORY

HOLE = "…"
"""What stands where a program fills something in."""
_FENCED = re.compile(r"^```[a-z]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_SPAN = re.compile(r"`([^`]+)`")
_WORDS = re.compile(
    r"(?:python )?(?<![\w./-])(?:scripts/)?(?P<script>[a-z][a-z_]*)\.py(?![\w.])"
    r"|(?<![\w./-])(?P<tool>alembic|make|git|postgres|psql|pg_dump|npm|pip|pytest|squawk|uv|docker)"
    r"(?= )"
    r"|(?<![\w-])(?P<option>--[a-z][a-z-]*)"
    r"|(?P<end>[;|&]|[,.:] )"
)
_CODE = r"[a-z]+(?:-[a-z]+)+"


@dataclass(frozen=True)
class Piece:
    """What stands together."""

    where: str
    text: str
    is_code: bool = False
    owner: str = ""
    """The command whose help it is: an option without a command is that one's."""
    planned: bool = False
    paragraph: str = ""
    """Where it stands."""


@dataclass(frozen=True)
class Option:
    """An option that a piece names."""

    of: str
    """The command: `validate`, `alembic`, `git`; "" where none is ahead of it."""
    name: str
    piece: Piece


# What there is to read --------------------------------------------------------------------------


def documents() -> Iterator[Piece]:
    """Read README, docs/ and the changelog."""
    for path in (REPOSITORY / "README.md", REPOSITORY / "CHANGELOG.md", *_docs()):
        yield from cut(path.name, path.read_text())


def register() -> Iterator[Piece]:
    """Read the pages of checks, and what stands ahead of each group of them."""
    known = {**rules.every(), **rules.planned()}
    for page in known.values():
        yield from cut(page.code, rules.markdown(page), planned=page.planned)
    for name in rules.GROUPS:
        planned = all(page.planned for page in known.values() if page.group == name)
        yield from cut(f"{name}.toml", rules.group(name), planned=planned)


def helps(texts: dict[str, str]) -> Iterator[Piece]:
    """Read what each command's --help prints; an example's line is code."""
    for command, text in texts.items():
        for line in text.splitlines():
            is_code = line.startswith("  python ")
            yield Piece(f"{command} --help", line, is_code=is_code, owner=command)


def literals() -> Iterator[Piece]:
    """Read the strings of the program, docstrings too."""
    for path in sorted((REPOSITORY / "scripts").rglob("*.py")):
        where = path.relative_to(REPOSITORY).as_posix()
        for line, text in strings(ast.parse(path.read_text())):
            yield from cut(f"{where}:{line}", text)


def strings(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Return each string with its line: one that is put together is one, with holes."""
    text = _text(node)
    if text is not None:
        yield getattr(node, "lineno", 0), text
    inner = _holes(node) if text is not None else ast.iter_child_nodes(node)
    for child in inner:
        yield from strings(child)


def _text(node: ast.AST) -> str | None:
    match node:
        case ast.Constant(str(text)):
            return text
        case ast.JoinedStr(values):
            return "".join(_text(value) or HOLE for value in values)
        case ast.BinOp(left, ast.Add(), right):
            parts = (_text(left), _text(right))
            return None if parts == (None, None) else "".join(part or HOLE for part in parts)
        case _:
            return None


def _holes(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.JoinedStr(values):
            yield from (value.value for value in values if isinstance(value, ast.FormattedValue))
        case ast.BinOp(left, _, right):
            for side in (left, right):
                yield from [side] if _text(side) is None else _holes(side)
        case _:
            pass


def cut(where: str, text: str, *, planned: bool = False) -> Iterator[Piece]:
    """Cut a text into its pieces."""
    for block in _FENCED.findall(text):
        for line in block.splitlines():
            for code in (line, *_SPAN.findall(line)):
                yield Piece(where, code, is_code=True, planned=planned, paragraph=line)
    for paragraph in re.split(r"\n\s*\n|\n(?=\|)", _FENCED.sub("\n\n", text)):
        for span in _SPAN.findall(paragraph):
            code = " ".join(span.split())
            yield Piece(where, code, is_code=True, planned=planned, paragraph=paragraph)
        rest = " ".join(_SPAN.sub(" ; ", paragraph).split())
        yield Piece(where, rest, planned=planned, paragraph=paragraph)


def _docs() -> list[Path]:
    return sorted((REPOSITORY / "docs").glob("*.md"))


# What a piece names -----------------------------------------------------------------------------


def scripts(piece: Piece) -> list[str]:
    """Return the names before `.py` that stand without a folder, or in scripts/."""
    return [found["script"] for found in _WORDS.finditer(piece.text) if found["script"]]


def options(piece: Piece) -> Iterator[Option]:
    """Return the options, each with the command that is ahead of it."""
    of = piece.owner
    for found in _WORDS.finditer(piece.text):
        if found["option"]:
            yield Option(of, found["option"], piece)
        else:
            of = found["script"] or found["tool"] or piece.owner


def alembic(piece: Piece) -> list[str]:
    """Return the words of an alembic command."""
    return piece.text.split()[1:] if piece.is_code and piece.text.startswith("alembic ") else []


def targets(piece: Piece) -> list[str]:
    """Return what make is asked for."""
    if not piece.is_code:
        return []
    found = re.match(r"(?:[A-Z_]+=\S+ )*make ((?:[\w./-]+(?:=\S+)? ?)+)", piece.text)
    return [word for word in found[1].split() if "=" not in word] if found else []


def codes(piece: Piece) -> list[str]:
    """Return what is written as codes of checks are, or stands where one has to."""
    found = re.findall(rf"\[({_CODE})\]", piece.text)
    if piece.is_code:
        found += re.findall(rf"^{_CODE}$", piece.text)
    found += re.findall(r"--(?:explain|select|ignore) ([a-z][a-z-]*)", piece.text)
    return found + re.findall(r"validate: ignore ([a-z][a-z-]*)", piece.text)
