"""Break migrations that are right, at one place each, and count which defects the shadow sees.

    make mutants

Whether a mutant is a defect is decided by psql and pg_dump alone. Ends with 1 when the shadow
misses what they see.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))

from scripts.checks import validation
from scripts.checks.rules import Severity
from scripts.checks.static.suite import Scope
from scripts.checks.validation import Wanted
from scripts.embedded import server
from scripts.embedded.server import Server
from scripts.engine import settings
from scripts.files import project
from tests.support.projects import lay_out
from tests.tools import judge, mutations
from tests.tools.judge import Judge
from tests.tools.mutations import Mutant

WORKERS = 2
# The data are worth nothing after a crash of the machine.
_FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
}


class Result(NamedTuple):
    """What both sides say of a mutant."""

    mutant: Mutant
    judged: str
    """Why psql and pg_dump take it for a defect; "" where they do not."""
    order_only: bool
    """Whether its dumps differ in an order and in nothing else."""
    codes: tuple[str, ...]
    """What the shadow finds, but for notes."""
    detail: str
    """What the shadow shows of it."""


def shadow(postgres: Server, mutant: Mutant) -> tuple[tuple[str, ...], str]:
    """Return the codes of what the shadow finds in a mutant but for notes, and all that it says."""
    migration = mutant.migration
    with tempfile.TemporaryDirectory(prefix="upskill-mutant-") as name:
        root = Path(name)
        lay_out(root, {**migration.below, migration.filename: mutant.text})
        here = project.load(root / "alembic.ini")
        course = here.environment("course")
        scope = Scope(since=migration.history[:3]) if migration.below else Scope()
        checked = validation.files([course], scope)
        databases = [settings.load(here, course, need_url=False)]
        url, ignore = postgres.url("postgres"), lambda *_: None
        validation.shadow(databases, checked, url, ignore, ignore)
        found = validation.findings(checked, Wanted(select=("shadow-",)), ["shadow"])
    said = [f"{one.code}: {one.message} {' | '.join(one.detail.splitlines()[:4])}" for one in found]
    codes = {one.code for one in found if one.severity is not Severity.NOTE}
    return tuple(sorted(codes)), "; ".join(said)


def try_out(postgres: Server, number: int, mutant: Mutant) -> Result:
    """Ask both sides."""
    by_dumps = Judge(postgres, mutant, f"judged_{number:05}")
    judged = by_dumps.run()
    codes, detail = shadow(postgres, mutant)
    return Result(mutant, judged, by_dumps.order_only, codes, detail)


def report(results: Sequence[Result]) -> int:
    """Print what was seen; return how many defects the shadow has missed."""
    changed = [one for one in results if one.mutant.kind != "none"]
    defects = [one for one in changed if one.judged]
    missed = [one for one in results if one.judged and not one.codes]
    only = [one for one in results if one.codes and not one.judged]
    print(f"{len(results) - len(changed)} migrations, {len(changed)} mutants of them:")
    for kind, count in sorted(Counter(one.mutant.kind for one in changed).items()):
        bad = [one for one in defects if one.mutant.kind == kind]
        seen = sum(bool(one.codes) for one in bad)
        print(f"  {kind:10} {count:4} mutants, {len(bad):4} defects, {seen:4} of them found")
    print("what goes wrong first, by psql and pg_dump and by the shadow:")
    pairs = Counter((one.judged.partition(":")[0], ", ".join(one.codes)) for one in defects)
    for (reason, codes), count in sorted(pairs.items()):
        print(f"  {count:4} {reason:22} {codes or 'nothing'}")
    found = sum(bool(one.codes) for one in defects)
    print(f"defects by psql and pg_dump: {len(defects)}, the shadow finds {found}")
    print(f"found by the shadow alone: {len(only)}")
    wrong = [one for one in results if one.mutant.kind == "none" and (one.judged or one.codes)]
    print(f"unchanged migrations that one of them takes for a defect: {len(wrong)}")
    ordered = [one for one in results if one.order_only and not one.judged]
    print(f"differ in an order only, no defect: {len(ordered)}")
    listed = {"MISSED": missed, "SHADOW ALONE": only, "UNCHANGED": wrong, "ORDER ONLY": ordered}
    for title, unlike in listed.items():
        for one in unlike:
            print(f"{title} {one.mutant.name}\n  pg_dump: {one.judged or 'nothing'}")
            print(f"  shadow: {one.detail or 'nothing'}")
    return len(missed)


def main() -> int:
    """Do it all."""
    begin = time.monotonic()
    every = mutations.migrations()
    tried = [mutations.unchanged(one) for one in every]
    tried += [mutant for one in every for mutant in mutations.mutants(one)]
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(
        prefix="upskill-mutants-", dir=memory, ignore_cleanup_errors=True
    ) as name:
        folder = Path(name)
        folder.chmod(0o755)
        postgres = server.join(folder / "postgres", settings=_FAST, ephemeral=True)
        for migration in {judge.template_of(one): one for one in every}.values():
            judge.make_template(postgres, migration)
        with ProcessPoolExecutor(WORKERS) as pool:
            numbers = range(len(tried))
            same = [postgres] * len(tried)
            results = list(pool.map(try_out, same, numbers, tried, chunksize=4))
        server.leave(folder / "postgres")
    missed = report(results)
    print(f"{time.monotonic() - begin:.0f} s")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
