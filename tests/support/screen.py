"""A terminal with a screen: what a person would see at a moment, with its colours; and as SVG."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from html import escape
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import pyte

_COLOURS = {
    "default": "#d4d4d4",
    "black": "#7a7a7a",
    "red": "#f07178",
    "green": "#a5d6a7",
    "brown": "#ffcb6b",
    "blue": "#82aaff",
    "magenta": "#c792ea",
    "cyan": "#89ddff",
    "white": "#ffffff",
}
_WORDS = re.compile(r"\S+(?: \S+)*")
_WIDTH, _HEIGHT, _MARGIN, _BAR = 8.4, 18, 16, 30
"""Of a character and of what is around them, in units of the picture."""
_QUIET = 0.02
"""Seconds without output after which the screen is what a person sees."""


class Cell(NamedTuple):
    """A character, as it is drawn."""

    text: str
    colour: str
    bold: bool


class Terminal:
    """Runs commands one after the other, each as if it was typed."""

    def __init__(self, folder: Path, environment: Mapping[str, str], width: int = 80) -> None:
        """Make a screen.

        Args:
            folder: where commands run.
            environment: of the commands.
            width: of the screen, in characters; it is as high as it has to be.
        """
        self._folder = folder
        self._environment = {**environment, "TERM": "xterm-256color", "COLORTERM": ""}
        self.screen = pyte.Screen(width, 60)
        self._stream = pyte.ByteStream(self.screen)

    def run(
        self,
        shown: str,
        arguments: Sequence[str],
        *,
        until: Callable[[str], object] = lambda _: False,
        answer: str = "",
    ) -> list[list[Cell]]:
        """Run a command, and return the screen when it has ended, or at a moment before.

        Args:
            shown: what stands behind the prompt.
            arguments: what is run.
            until: takes what is on the screen; tells whether that is the moment.
            answer: what is typed when a question is on the screen.
        """
        self._stream.feed(f"\x1b[32m$\x1b[0m {shown}\r\n".encode())
        ours, theirs = pty.openpty()
        size = struct.pack("HHHH", self.screen.lines, self.screen.columns, 0, 0)
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, size)
        process = subprocess.Popen(
            arguments,
            cwd=self._folder,
            env=self._environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        moment: list[list[Cell]] = []
        with suppress(OSError):
            while data := os.read(ours, 65536):
                self._stream.feed(data)
                if select.select([ours], [], [], _QUIET)[0]:
                    continue  # what is drawn at once may come in pieces
                text = "\n".join(self.screen.display)
                if answer and "? [y/N]" in text:
                    os.write(ours, answer.encode())
                    answer = ""
                if not moment and until(text):
                    moment = self.cells()
        os.close(ours)
        process.wait(60)
        return moment or self.cells()

    def cells(self) -> list[list[Cell]]:
        """Return the lines of the screen, without the empty ones at its end."""
        rows = []
        for number in range(self.screen.lines):
            row = self.screen.buffer[number]
            cells = [row[column] for column in range(self.screen.columns)]
            rows.append([Cell(one.data, one.fg, one.bold) for one in cells])
        while rows and not text_of(rows[-1:]).strip():
            rows.pop()
        return rows


def text_of(rows: Sequence[Sequence[Cell]]) -> str:
    """Return what is written in lines."""
    return "\n".join("".join(cell.text for cell in row).rstrip() for row in rows)


def svg(rows: Sequence[Sequence[Cell]], title: str) -> str:
    """Return a picture of a screen: text that can be selected, no fonts of its own.

    Args:
        rows: its lines.
        title: what it shows, for whoever cannot see it.
    """
    columns = max((len(row) for row in rows), default=0)
    width = round(columns * _WIDTH) + 2 * _MARGIN
    height = len(rows) * _HEIGHT + _BAR + _MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"'
        f' height="{height}" role="img" aria-label="{escape(title)}">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" rx="8" fill="#1e1e1e"/>',
        *(
            f'<circle cx="{18 + 18 * number}" cy="16" r="5" fill="{colour}"/>'
            for number, colour in enumerate(("#f07178", "#ffcb6b", "#a5d6a7"))
        ),
        '<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="14">',
    ]
    for number, row in enumerate(rows):
        spans = "".join(_spans(row))
        if spans:
            lines.append(f'<text y="{_BAR + (number + 1) * _HEIGHT - 4}">{spans}</text>')
    return "\n".join([*lines, "</g>", "</svg>"]) + "\n"


def _spans(row: Sequence[Cell]) -> list[str]:
    """Return the words of a line, each group where it stands: a viewer may collapse spaces."""
    found, column = [], 0
    for (colour, bold), group in groupby(row, key=lambda cell: (cell.colour, cell.bold)):
        text = "".join(cell.text for cell in group)
        weight = ' font-weight="bold"' if bold else ""
        for words in _WORDS.finditer(text):
            at = _MARGIN + (column + words.start()) * _WIDTH
            length = len(words[0]) * _WIDTH
            # The length keeps columns in line, whatever font is there.
            found.append(
                f'<tspan x="{at:.1f}" textLength="{length:.1f}" fill="{_colour(colour)}"{weight}>'
                f"{escape(words[0])}</tspan>"
            )
        column += len(text)
    return found


def _colour(name: str) -> str:
    return _COLOURS.get(name, f"#{name}" if len(name) == 6 else _COLOURS["default"])
