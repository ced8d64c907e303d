# `make` lists the commands. Each sets up what it needs: Python 3.11+ and make are enough.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help
help: ## List the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 10

$(READY): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(READY)

.PHONY: demo
demo: $(READY) ## Run the main job on loopback and check the books
	$(BIN)/python -m sandbox.demo

.PHONY: up
up: $(READY) ## As demo, but leave it running to look around in the UI
	$(BIN)/python -m sandbox.demo --keep

.PHONY: down
down: $(READY) ## Stop what `make up` left running
	$(BIN)/python -m sandbox.demo down

.PHONY: test
test: $(READY) ## Run the tests
	$(BIN)/python -m pytest -n 3 --dist worksteal

.PHONY: check
check: $(READY) ## Lint, types, import rules, docs and tests: what CI runs
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n 3 --dist worksteal

.PHONY: soak
soak: $(READY) ## Try for hours to make it fail, and write docs/reliability.md
	$(BIN)/python -m proof

.PHONY: bench
bench: $(READY) ## Measure speed and memory, written to benchmarks/results/
	$(BIN)/python -m benchmarks

.PHONY: lock
lock: $(READY) ## Resolve the dependencies anew (needs uv)
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -o requirements.lock
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -c requirements.lock -o requirements-dev.lock
