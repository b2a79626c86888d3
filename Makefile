# The front door. `make serve` and `make test` do everything on a machine with Python >= 3.11 and make.

PYTHONS := $(shell sh tools/newest-python.sh)
PYTHON  ?= $(firstword $(PYTHONS))
OTHERS  := $(filter-out $(PYTHON),$(PYTHONS))
VENV    := .venv
BIN     := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
PYTEST  := pytest -p no:cacheprovider
WORKERS ?= 2

.PHONY: help serve test check lint types walls unit pages interop browser versions bench fuzz lock docs clean

help:  ## say what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

serve: $(VENV)/.runtime  ## install what is needed and start the archive
	$(BIN)/calotype serve $(ARGS)

test: $(VENV)/.test  ## lint, types, walls and every test, on every Python found
	sh tools/peers.sh
	$(MAKE) check
	$(MAKE) pages
	$(MAKE) interop
	$(MAKE) browser
	$(MAKE) versions

# Side by side: the type checker takes one core, and half a minute.
check: $(VENV)/.test  ## the inner loop, under two minutes
	$(MAKE) -j2 lint types walls unit

lint: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.test
	$(BIN)/mypy

walls: $(VENV)/.test
	$(BIN)/lint-imports --no-cache

unit: $(VENV)/.test
	$(BIN)/$(PYTEST) -n $(WORKERS) tests/unit tests/contract

pages: $(VENV)/.test  ## format, lint, types and tests of the web application
	$(BIN)/python tools/check_pages.py

interop: $(VENV)/.test
	$(BIN)/$(PYTEST) -n $(WORKERS) tests/flows tests/interop tests/durability

# One worker more than else, since flows wait for pages to come to rest; by files, which start servers of their own.
browser: $(VENV)/.test  ## use the pages in Chromium
	$(BIN)/$(PYTEST) -n $$(($(WORKERS) + 1)) --dist loadfile tests/browser

# Every other Python found runs what does not depend on foreign peers, each in a fresh environment of its own. They
# are installed at once, which is waiting for the most part: whichever could not be is tried again, and told of, below.
versions: $(VENV)/.runtime
	@named() { "$$1" -c 'import sys; print(".venv-%d.%d" % sys.version_info[:2])'; }; \
	for python in $(OTHERS); do \
	    $(MAKE) VENV=$$(named $$python) PYTHON=$$python environment & \
	done; \
	wait; \
	for python in $(OTHERS); do \
	    echo "== $$($$python --version)"; \
	    $(MAKE) VENV=$$(named $$python) PYTHON=$$python unit flows || exit 1; \
	done

.PHONY: environment flows
environment: $(VENV)/.test

flows: $(VENV)/.test
	$(BIN)/$(PYTEST) -n $(WORKERS) tests/flows

bench: $(VENV)/.test  ## measure against the peers installed (ARGS="--help" tells more)
	$(BIN)/python -m bench $(ARGS)

fuzz: $(VENV)/.test  ## decode damaged frames by the hundred thousand (ARGS="--help" tells more)
	PYTHONPATH=tests $(BIN)/python -m support.hostile $(ARGS)

docs: $(VENV)/.test  ## write what is generated anew: parts of docs/, and what the pages know of the server
	$(BIN)/python tools/generate_docs.py
	$(BIN)/python tools/generate_openapi.py

lock:  ## write the locks anew (needs uv)
	sh tools/lock.sh

# The pages are built with node; where the machine has none, with PyPI's.
PAGES := $(shell find ui -name node_modules -prune -o -type f -print) hatch_build.py tools/ohif.py

$(VENV)/.runtime: requirements.lock pyproject.toml $(PAGES)
	@test -n "$(PYTHON)" || { echo "calotype needs CPython 3.11 or newer with venv; none was found"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip --quiet install --require-hashes -r requirements.lock
	sh tools/node-is-here.sh || $(BIN)/python -m pip --quiet install --require-hashes -r requirements-node.lock
	$(BIN)/python -m pip --quiet install --no-deps --no-build-isolation -e .
	touch $@

# What tests import is compiled when they do: less than half of what is there.
$(VENV)/.test: requirements-test.lock $(VENV)/.runtime
	$(BIN)/python -m pip --quiet install --no-compile --require-hashes -r requirements-test.lock
	touch $@

clean:  ## remove environments and caches; never touches data
	rm -rf .venv .venv-3.* .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist \
	    ui/node_modules src/calotype/static
