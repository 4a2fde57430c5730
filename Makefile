# Every target makes what it needs first; stamps in .venv keep repeated calls quick.
#   make demo                         explain the agent that ships in the package
#   make test                         run the tests
#   make install EXTRAS=llm,marl      add extras from the same lock
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# the first Python on the path that is new enough; `make demo PYTHON=…` names another
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV ?= .venv
EXTRAS ?=
# address of a package index that holds one build of torch; empty takes pip's own choice
TORCH_INDEX ?=
# processes that run tests side by side; 0 runs them in one process
WORKERS ?= 2
PYTEST_ARGS ?=

BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps
PIP := $(BIN)/python -m pip --disable-pip-version-check
LOCKED := $(PIP) install --quiet --constraint constraints.txt
TORCH := $(shell sed -n 's/^torch==/torch==/p' constraints.txt)
SOURCES := pyproject.toml constraints.txt
# matrices here are small: several BLAS threads fighting for a core cost up to 100 times more
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1
PYTEST = $(ONE_THREAD) $(BIN)/python -m pytest $(PYTEST_ARGS)
PARALLEL = $(if $(filter-out 0 1,$(WORKERS)),-n $(WORKERS) --dist $(1))

.PHONY: help demo install test test-all test-faults test-browser test-docs check format docs lock clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: $(STAMPS)/sb3  ## explain the LunarLander agent that ships in the package
	@$(BIN)/pellucid explain

install: $(STAMPS)/sb3  ## add extras from the lock: make install EXTRAS=llm,marl
	@test -n "$(EXTRAS)" || { echo "name the extras: make install EXTRAS=llm,marl" >&2; exit 2; }
	$(LOCKED) --editable ".[sb3,$(EXTRAS)]"

test: $(STAMPS)/test  ## run every test that is not slow
	$(PYTEST) $(call PARALLEL,loadfile) -m "not slow and not faults and not docs"

test-all: $(STAMPS)/test  ## run every test, slow ones too
	$(PYTEST) $(call PARALLEL,loadfile)

test-faults: $(STAMPS)/test  ## run the crash, hostile-file and autoreset tests
	$(PYTEST) $(call PARALLEL,loadfile) -m "faults"

test-browser: $(STAMPS)/browser  ## look at report pages in a headless Chromium
	$(PYTEST) $(call PARALLEL,loadfile) -m "browser" tests/report tests/viewer

test-docs: $(STAMPS)/test  ## run every code block of the README and every example
	$(PYTEST) $(call PARALLEL,load) -m "docs"

check: $(STAMPS)/dev  ## format, lint, types, import layers, changelog
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/check_changelog.py

format: $(STAMPS)/dev  ## format and mend what ruff can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(STAMPS)/sb3  ## write the pages that are made from the registry and from records
	$(BIN)/python scripts/build_docs.py
	$(BIN)/python scripts/build_results.py

lock: $(STAMPS)/sb3  ## write constraints.txt again
	$(BIN)/python scripts/lock.py

clean:  ## remove the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(STAMPS)/venv:
	@test -n "$(PYTHON)" || { echo "pellucid needs Python >= 3.11; name one: make demo PYTHON=python3.12" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	@mkdir -p $(STAMPS)
	@touch $@

$(STAMPS)/torch: $(STAMPS)/venv constraints.txt
	$(if $(TORCH_INDEX),$(LOCKED) --index-url $(TORCH_INDEX) $(TORCH))
	@touch $@

$(STAMPS)/sb3: $(STAMPS)/torch $(SOURCES)
	$(LOCKED) --editable ".[sb3]"
	@touch $@

$(STAMPS)/test: $(STAMPS)/sb3 $(SOURCES)
	$(LOCKED) --editable ".[sb3,llm,test]"
	@touch $@

# what pages are checked with for readers who see little or use the keyboard; npm brings it
$(STAMPS)/browser: $(STAMPS)/test scripts/fetch_axe.py
	$(BIN)/python scripts/fetch_axe.py $(VENV)/axe
	@touch $@

$(STAMPS)/dev: $(STAMPS)/sb3 $(SOURCES)
	$(LOCKED) --editable ".[sb3,dev]"
	@touch $@
