# `make` lists the commands. Each sets up what it needs: Python 3.11+ and make are enough.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TOOLS := .venv-tools
LOWEST := .venv-lowest
RUNTIME := .venv-runtime
COMPILE := $(TOOLS)/bin/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q
PIP_OPTIONS := --quiet --disable-pip-version-check --no-deps
# The suite starts some hundred processes; without the cached bytecode each would compile everything anew.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help
help: ## List the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

$(READY): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install $(PIP_OPTIONS) --require-hashes -r requirements-dev.lock
	$(BIN)/pip install $(PIP_OPTIONS) --no-build-isolation --editable .
	@touch $(READY)

$(TOOLS)/.ready: requirements-tools.lock
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/pip install $(PIP_OPTIONS) --require-hashes -r requirements-tools.lock
	@touch $@

# The dependencies at the lowest versions that pyproject.toml promises.
$(LOWEST)/.ready: requirements-lowest.lock pyproject.toml
	$(PYTHON) -m venv --clear $(LOWEST)
	$(LOWEST)/bin/pip install $(PIP_OPTIONS) --require-hashes -r requirements-lowest.lock
	$(LOWEST)/bin/pip install $(PIP_OPTIONS) --no-build-isolation --editable .
	@touch $@

# An installation as the guide makes it.
$(RUNTIME)/.ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv --clear $(RUNTIME)
	$(RUNTIME)/bin/pip install $(PIP_OPTIONS) --require-hashes -r requirements.lock
	$(RUNTIME)/bin/pip install $(PIP_OPTIONS) --no-build-isolation .
	@touch $@

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

.PHONY: lint
lint: $(READY) ## Lint, format, types and import rules
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: check
check: lint ## Lint, types, import rules, docs and tests: what CI runs
	$(BIN)/python -m pytest -n 3 --dist worksteal

.PHONY: check-lowest
check-lowest: $(LOWEST)/.ready ## Some tests on the lowest versions that are promised
	$(LOWEST)/bin/python -m pytest -q -n 3 --dist worksteal tests/contracts tests/blocks tests/clients/test_sftp.py \
	  tests/clients/test_retail_pro_client.py tests/flows/test_report_outbox.py

.PHONY: hooks
hooks: $(TOOLS)/.ready $(READY) ## Run `make lint` and `make secrets` before each commit
	$(TOOLS)/bin/pre-commit install

.PHONY: secrets
secrets: $(TOOLS)/.ready ## Look for secrets in what is committed
	@echo "Patterns only: no database is asked whether a secret is in use."
	git ls-files -z -- ':!:*.lock' ':!:tests' ':!:sandbox' ':!:proof' ':!:benchmarks' ':!:.secrets.baseline' \
	  | xargs -0 $(TOOLS)/bin/detect-secrets-hook --no-verify --baseline .secrets.baseline
	@# Made-up passwords are what tests are made of; keys and tokens of known shapes are not.
	git ls-files -z -- tests sandbox proof benchmarks ':!:tests/golden' ':!:*/results/*' \
	  | xargs -0 $(TOOLS)/bin/detect-secrets-hook --no-verify --disable-plugin KeywordDetector \
	    --disable-plugin BasicAuthDetector --disable-plugin Base64HighEntropyString --disable-plugin HexHighEntropyString
	@echo "No secret was found."

.PHONY: audit
audit: $(TOOLS)/.ready ## Ask what is known against the dependencies (needs a network)
	$(TOOLS)/bin/python -m release.audit

.PHONY: sbom
sbom: $(TOOLS)/.ready $(RUNTIME)/.ready ## Bill of materials (CycloneDX) and licences, into dist/
	@mkdir -p dist
	$(TOOLS)/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --mc-type application \
	  -o dist/tillbridge.cdx.json $(RUNTIME)/bin/python
	$(TOOLS)/bin/python -m release.licences dist/tillbridge.cdx.json dist/licences.md

.PHONY: wheel
wheel: $(READY) ## Build the wheel twice, compare, and put it into dist/
	$(BIN)/python -m release.wheel

.PHONY: soak
soak: $(READY) ## Try for hours to make it fail, and write docs/reliability.md
	$(BIN)/python -m proof

.PHONY: bench
bench: $(READY) ## Measure speed and memory, written to benchmarks/results/
	$(BIN)/python -m benchmarks

.PHONY: lock
lock: $(TOOLS)/.ready ## Resolve the dependencies anew
	$(COMPILE) pyproject.toml --group build -o requirements.lock
	$(COMPILE) pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock
	$(COMPILE) pyproject.toml --group dev --resolution lowest-direct -o requirements-lowest.lock
	$(COMPILE) --group tools -o requirements-tools.lock
