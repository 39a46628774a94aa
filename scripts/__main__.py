"""List the commands, with a line each: `python -m scripts`."""

from __future__ import annotations

import ast
import sys
from pathlib import Path


def commands() -> dict[str, str]:
    """Return the commands of this folder, each with the first line of its docstring."""
    found = {}
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if not path.name.startswith("_"):
            text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            found[f"python scripts/{path.name}"] = text.partition("\n")[0]
    return found


def main() -> None:
    """Print them.

    Raises:
        SystemExit: when something is asked for that only a command can do.
    """
    if sys.argv[1:]:
        sys.stderr.write("error:  python -m scripts only lists the commands\n")
        sys.stderr.write("help:   run the command's own file, as the list has it\n")
        sys.exit(2)
    known = commands()
    width = max(map(len, known))
    lines = [f"{name:<{width}}  {what}" for name, what in known.items()]
    lines += [
        "",
        "Each has --help. Alembic's own commands: alembic -n NAME upgrade head, and so on.",
    ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
