"""What git knows about a checkout: the files of the branch that it will be merged into."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from scripts.errors import UsageError


@dataclass(frozen=True, slots=True)
class Base:
    """The branch that a change will be merged into."""

    ref: str
    """As it was named: origin/main."""
    root: Path
    """The work tree's."""
    commit: str
    """Where this branch left it: what was there is released."""

    def files(self, folder: Path) -> dict[str, bytes]:
        """Return the files that a folder had when this branch began, by name."""
        names = _names(self.root, self.commit, folder)
        if not names:
            return {}
        inside = folder.resolve().relative_to(self.root)
        asked = "".join(f"{self.commit}:{inside.as_posix()}/{name}\n" for name in names)
        answer = _git(self.root, "cat-file", "--batch", input=asked.encode())
        return dict(zip(names, _blobs(answer), strict=True))

    def names(self, folder: Path) -> list[str]:
        """Return the names of the files that a folder has on that branch now."""
        return _names(self.root, self.ref, folder)


def texts(folder: Path, name: str) -> list[bytes]:
    """Return every text that a file of this name has had in a folder, on any branch.

    Args:
        folder: of the checkout.
        name: a file in it, which may be gone by now.

    Returns:
        None of them where there is no git or no repository.
    """
    try:
        asked = _run(
            folder, "log", "--all", "--format=", "--raw", "--no-abbrev", "--no-renames", "--", name
        )
        # A line is `:old-mode new-mode old-blob new-blob status`, a tab, and the path.
        blobs = {blob for line in asked.stdout.split(b"\n") for blob in line.split()[2:4]}
        known = [blob for blob in sorted(blobs) if blob.strip(b"0")]
        if asked.returncode or not known:
            return []
        found = _run(folder, "cat-file", "--batch", input=b"\n".join(known) + b"\n")
        return [] if found.returncode else _blobs(found.stdout)
    except UsageError:
        return []


def base(folder: Path, ref: str) -> Base:
    """Find the commit at which this checkout left another branch.

    Args:
        folder: any folder of the checkout.
        ref: the branch, tag or commit that it is to be merged into.

    Raises:
        UsageError: when there is no git, no repository, no such branch, or the clone is too shallow
            to tell.
    """
    root = Path(_git(folder, "rev-parse", "--show-toplevel").decode().strip()).resolve()
    if _run(root, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}").returncode:
        raise UsageError(
            f"'{ref}' is not a branch, tag or commit",
            state="released files were not checked",
            hint=f"run git fetch origin {ref.removeprefix('origin/')}, or name another branch",
        )
    found = _run(root, "merge-base", ref, "HEAD")
    if found.returncode:
        shallow = _git(root, "rev-parse", "--is-shallow-repository").strip() == b"true"
        raise UsageError(
            f"'{ref}' and this branch have no commit in common",
            detail="the clone is shallow: its history ends before the two branches meet"
            if shallow
            else "",
            state="released files were not checked",
            hint="run git fetch --unshallow; in a GitHub workflow, set fetch-depth: 0",
        )
    return Base(ref, root, found.stdout.decode().strip())


def _names(root: Path, commit: str, folder: Path) -> list[str]:
    resolved = folder.resolve()
    if not resolved.is_relative_to(root):
        return []
    inside = resolved.relative_to(root).as_posix()
    listed = _git(root, "ls-tree", "-z", "--name-only", commit, f"{inside}/")
    return [Path(name).name for name in listed.decode().split("\0") if name]


def _blobs(answer: bytes) -> list[bytes]:
    """Take `git cat-file --batch`'s answer apart: a line with type and size, then the bytes."""
    found = []
    while answer:
        head, _, answer = answer.partition(b"\n")
        size = int(head.split()[2])
        found.append(answer[:size])
        answer = answer[size + 1 :]
    return found


def _git(folder: Path, *arguments: str, input: bytes | None = None) -> bytes:
    done = _run(folder, *arguments, input=input)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip() or f"exit code {done.returncode}"
        headline, _, detail = said.removeprefix("fatal: ").partition("\n")
        raise UsageError(
            f"git: {headline}",
            detail=detail,
            state="released files were not checked",
            hint="run the command in a clone of the repository",
        )
    return done.stdout


def _run(
    folder: Path, *arguments: str, input: bytes | None = None
) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            ["git", *arguments],  # noqa: S607 - whichever git the developer uses
            cwd=folder,
            input=input,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise UsageError(
            "git is not installed",
            state="released files were not checked",
            hint="install git, or leave --base out",
        ) from error
