# Concert. `make` alone tells what there is.
#
# Every target does the set-up that it needs: python3 (3.11 or newer, with venv), make and git are enough.

PYTHON  ?= python3
WORKERS ?= 4
BIN     := .venv/bin
STAMP   := .venv/.installed
PYTEST  := $(BIN)/python -m pytest -n $(WORKERS) --no-loadscope-reorder --max-worker-restart 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# What is imported is compiled once and kept, also where the environment says otherwise: every start is quicker.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo up test check format lock clean

help: ## this list
	@echo "Concert: many agencies, one plan, numbers that count themselves."
	@echo
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

demo: $(STAMP) ## a whole region at work, on servers of its own, ending with the verification
	@$(BIN)/concert demo $(ARGS)

up: $(STAMP) ## everything on this machine, until Ctrl-C: PostgreSQL, Temporal, worker, relay, API
	@$(BIN)/concert up $(ARGS)

test: $(STAMP) ## all tests (ARGS="-k accept" for some of them)
	@$(PYTEST) $(ARGS)

check: $(STAMP) ## what must hold before a change lands: style, types, import contracts, dependencies, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(PYTEST)

format: $(STAMP) ## put the style right
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: $(STAMP) ## choose the newest permitted versions again and write requirements.lock
	@$(BIN)/python -m pip install --quiet uv
	@rm -f requirements.lock.new
	@echo "# Every package with its hashes, development tools included. Written by: make lock" > requirements.lock.new
	@$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --upgrade \
	    --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet \
	    >> requirements.lock.new
	@mv requirements.lock.new requirements.lock
	@git --no-pager diff --stat -- requirements.lock

clean: ## take away what was made here, the virtual environment included (never a data directory)
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info dist build

# The virtual environment, brought up to date whenever the lock or the project's own description changes.
# The lock is complete, so nothing has to be resolved; what is imported is compiled when it is imported. Together
# that took a third off the set-up.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "Concert needs Python 3.11 or newer. Try: make PYTHON=python3.12"; exit 1; }
	@echo "Setting up .venv (once; about a minute) ..."
	@$(PYTHON) -m venv .venv \
	    || { echo "Python's venv is missing. On Debian: apt-get install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install -qq --no-deps --no-compile --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -qq --no-deps --no-build-isolation -e .
	@touch $@
