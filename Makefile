# Everything runs in .venv, which the first target that needs it makes from the committed locks.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# What has been installed into it: what migrating and validating need, and the tools besides.
RUNTIME := $(VENV)/.runtime
TOOLS := $(VENV)/.tools
# The locks name every package there is to install, so pip has nothing to resolve: it would look at
# the newest release of a requirement, and refuse it for having no hash. `pip check` resolves instead.
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement
CHECK := $(BIN)/pip --disable-pip-version-check check
UV ?= uv
COMPILE := $(UV) pip compile pyproject.toml --universal --python-version 3.11 --no-strip-extras \
  --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet
# Where a database's URL is not set, `make` uses the embedded PostgreSQL. Nothing else does by itself.
export MIGRATION_FALLBACK := embedded
# Without compiled modules each command would spend half a second more on starting.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help migrate seed test lint docs scenes format bench plot soak mutants lock clean

help:  ## what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

migrate: $(RUNTIME)  ## migrate all databases, then print their status
	$(BIN)/python scripts/migrate.py
	@$(BIN)/python scripts/status.py

seed: $(RUNTIME)  ## fill migrated, empty databases with a small site; SCALE=1000 makes a large one
	SCALE="$(SCALE)" $(BIN)/python tests/tools/seed.py

test: $(TOOLS)  ## all tests against a real PostgreSQL; make test T=tests/unit for some
	$(BIN)/pytest -n 4 --dist worksteal $(T)

lint: $(TOOLS)  ## style, types, architecture, and the migration files themselves
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .
	MIGRATION_FALLBACK= $(BIN)/python scripts/validate.py --strict --shadow
	$(BIN)/python -c 'from scripts.checks import rules; print(rules.document(), end="")' | \
	  diff docs/checks.md - || { echo "docs/checks.md is stale: make docs"; exit 1; }

docs: $(TOOLS)  ## write the generated documents anew
	$(BIN)/python -c 'from scripts.checks import rules; print(rules.document(), end="")' > docs/checks.md
	$(BIN)/python tests/tools/schema_docs.py

scenes: $(TOOLS)  ## draw what people see of runs: docs/scenes
	$(BIN)/python tests/tools/scenes.py

format: $(TOOLS)  ## fix what a tool can fix
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(TOOLS)  ## compare with psql and psycopg2 doing the same; ONLY=rollback for some
	ONLY="$(ONLY)" ROUNDS="$(ROUNDS)" $(BIN)/python tests/tools/bench.py

plot: $(TOOLS)  ## draw docs/performance.svg, against psql, plain Alembic and dbmate
	$(BIN)/python tests/tools/plot.py

soak: $(TOOLS)  ## many runners at once, again and again
	ROUNDS="$(ROUNDS)" $(BIN)/python tests/tools/soak.py

mutants: $(TOOLS)  ## break migrations at one place each, and see what the shadow finds
	$(BIN)/python tests/tools/mutants.py

lock:  ## write the lock files anew from pyproject.toml; needs uv
	$(COMPILE) --extra embedded --output-file requirements.lock
	$(COMPILE) --extra dev --constraint requirements.lock --output-file requirements-dev.lock

clean:  ## remove what make made, the embedded databases too
	rm -rf $(VENV) .postgres .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# A new lock begins with an empty .venv: what it no longer names would otherwise still be found.
$(RUNTIME): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 ..."; exit 2; }
	@$(PYTHON) -m venv --clear $(VENV) || \
	  { echo "The venv module is missing; on Debian: apt install python3-venv"; exit 2; }
	$(INSTALL) $<
	$(CHECK)
	@touch $@

$(TOOLS): requirements-dev.lock $(RUNTIME)
	$(INSTALL) $<
	$(CHECK)
	@touch $@
