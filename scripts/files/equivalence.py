"""Whether two texts of a migration say the same SQL: comments and white space may differ."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile

from scripts.files.migration_file import Section
from scripts.files.rollback import Rollback
from scripts.sqltext import lexer

_SPACE = re.compile(r"[ \t\n\r\f\v]+")
# White space between two of a kind separates them: `- -1` is no comment, `1 a` no number. A dot
# belongs to numbers as well as to names, and `&` to a prefix: `u &'6'` is no Unicode string.
_SYMBOL = re.compile(r"[-+*/<>=~!@#%^&|`?:]")
_WORD = re.compile(r"[\w$.]")
_QUOTE = ("'", '"', "$")


def first_change(before: Section, now: Section) -> int | None:
    """Return the line of the first statement that was another one, or was not there.

    Args:
        before: the earlier text.
        now: the text by now, whose line it is: its beginning where statements at the end are gone.

    Returns:
        None where both say the same.
    """
    old, new = words(before), words(now)
    if old == new:
        return None
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False)))
    return now.statements[same].line if same < len(new) else now.line


def undoes_the_same(noted: Rollback, own: Rollback) -> bool:
    """Tell whether a stored rollback is a file's DOWN; an older tool stored no directives."""
    directives = noted.header.directives()
    same_way = not directives or directives == own.header.directives()
    return same_way and words(noted.down) == words(own.down)


def words(section: Section) -> list[str]:
    """Return each statement of a section without comments, with only the space that it needs."""
    return [_plain(one.sql.rstrip().removesuffix(";")) for one in section.statements]


def _plain(sql: str) -> str:
    parts: list[str] = []
    separated, broken = False, False
    for text, is_gap in _pieces(sql):
        if is_gap:
            separated, broken = True, broken or "\n" in text or "\r" in text
            continue
        if separated and parts:
            parts.append(_between(parts[-1][-1], text[0], broken=broken))
        parts.append(text)
        separated, broken = False, False
    return "".join(parts)


def _between(before: str, after: str, *, broken: bool) -> str:
    """Return what stands for a gap: a string goes on behind a line break, and only there."""
    if before == after == "'":
        return "\n" if broken else " "
    alike = any(kind.match(before) and kind.match(after) for kind in (_SYMBOL, _WORD))
    prefixed = after in (*_QUOTE, "&") and (_WORD.match(before) or before in ("&", *_QUOTE))
    return " " if alike or prefixed or (before in _QUOTE and _WORD.match(after)) else ""


def _pieces(sql: str) -> Iterator[tuple[str, bool]]:
    """Take a statement apart: its tokens, and between them white space and comments."""
    end = 0
    for token in lexer.tokens(sql):
        yield from _gap(sql[end : token.start])
        is_comment = token.kind in lexer.COMMENTS
        # The line break behind a line comment belongs to the gap that follows.
        text = " " if is_comment else sql[token.start : token.end]
        yield (text, is_comment)
        end = token.end
    yield from _gap(sql[end:])


def _gap(text: str) -> Iterator[tuple[str, bool]]:
    """Take apart what the lexer gives out no tokens for: white space, commas, dots, equals."""
    end = 0
    for space in _SPACE.finditer(text):
        if space.start() > end:
            yield text[end : space.start()], False
        yield space.group(), True
        end = space.end()
    if end < len(text):
        yield text[end:], False
