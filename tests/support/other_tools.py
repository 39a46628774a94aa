"""Options of other tools, which texts and modules of the project name."""

from __future__ import annotations

OTHERS = {
    "npm": ("what was typed before", {"--file", "--dry-run"}),
    "git": ("what to type, and what is read", {"--source", "--unshallow", "--batch"}),
    "postgres": ("what was asked", {"--version"}),
    "scripts/checks/git.py": (
        "arguments of git",
        {
            "--all",
            "--batch",
            "--format",
            "--is-shallow-repository",
            "--name-only",
            "--no-abbrev",
            "--no-renames",
            "--quiet",
            "--raw",
            "--show-toplevel",
            "--verify",
        },
    ),
    "scripts/checks/static/squawk.py": (
        "arguments of squawk",
        {"--assume-in-transaction", "--exclude", "--no-assume-in-transaction", "--reporter"},
    ),
    "scripts/embedded/binaries.py": ("arguments of postgres", {"--version"}),
    "scripts/embedded/cluster.py": (
        "arguments of initdb",
        {"--builtin-locale", "--locale", "--locale-provider", "--no-instructions", "--no-sync"},
    ),
}
"""Options of other tools: after the tool's name, or as arguments in the module that starts it."""
