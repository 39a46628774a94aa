# Everything runs in .venv, which the first target that needs it makes from the committed lock.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Where a database's URL is not set, `make` uses the embedded PostgreSQL. Nothing else does by itself.
export MIGRATION_FALLBACK := embedded
# Without compiled modules each command would spend half a second more on starting.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help migrate test lint docs format bench soak lock clean

help:  ## what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

migrate: $(READY)  ## migrate all databases, then print their status
	$(BIN)/python scripts/migrate.py
	@$(BIN)/python scripts/status.py

test: $(READY)  ## all tests against a real PostgreSQL; make test T=tests/unit for some
	$(BIN)/pytest -n auto $(T)

lint: $(READY)  ## style, types, architecture, and the migration files themselves
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	MIGRATION_FALLBACK= $(BIN)/python scripts/validate.py --strict
	$(BIN)/python -c 'from scripts.checks import pages; print(pages.document(), end="")' | \
	  diff docs/checks.md - || { echo "docs/checks.md is stale: make docs"; exit 1; }

docs: $(READY)  ## write the generated documents anew
	$(BIN)/python -c 'from scripts.checks import pages; print(pages.document(), end="")' > docs/checks.md

format: $(READY)  ## mend what a tool can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY)  ## compare with psql applying the same statements
	SIZES="$(SIZES)" $(BIN)/python tests/bench.py

soak: $(READY)  ## many runners at once, again and again
	ROUNDS="$(ROUNDS)" $(BIN)/python tests/soak.py

lock:  ## write the lock files anew from pyproject.toml
	uvx --from uv uv pip compile pyproject.toml --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-annotate --no-header -q -o requirements.lock
	uvx --from uv uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-annotate --no-header -q -o requirements-dev.lock

clean:  ## remove what make made, the embedded databases too
	rm -rf $(VENV) .postgres .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(READY): requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 …"; exit 2; }
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "The venv module is missing; on Debian: apt install python3-venv"; exit 2; }
	$(BIN)/pip install --quiet --require-hashes --requirement requirements-dev.lock
	@touch $@
