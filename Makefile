# Needs Python 3.11 or newer with its venv module, nothing else. Everything goes into .venv.
# Another Python: make demo PYTHON=/path/to/python3.12

.DEFAULT_GOAL := help
.PHONY: help install demo test check bench clean

VENV  := .venv
BIN   := $(VENV)/bin
STAMP := $(VENV)/.installed
NEW_ENOUGH := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for each in python3 python3.13 python3.12 python3.11 python3.14 python; do \
	$$each -c '$(NEW_ENOUGH)' 2>/dev/null && { command -v $$each; break; }; done)

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(STAMP) ## run an upload and a download against an imitated vendor; two minutes at most, leaves nothing running
	$(BIN)/bulkhead demo

test: $(STAMP) ## run all tests: first the quick ones side by side, then whole runs one by one
	$(BIN)/python -m pytest -n 2 -q -m "not journey and not chaos"
	$(BIN)/python -m pytest -q -m "journey or chaos"

check: $(STAMP) ## check style, types and the import layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP) ## measure against the floor (a bare loop) in the same run
	$(BIN)/python -m tests.bench

install: $(STAMP) ## only install into .venv

clean: ## remove .venv and what tools left behind
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache .import_linter_cache

$(STAMP): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer with venv is needed (Debian, Ubuntu: apt install python3-venv)"; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@
