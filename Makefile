# docmill: `make demo` does the main job offline, `make test` runs the tests. Each installs what it needs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
TICKETS := samples/tickets.sqlite

.PHONY: help install demo demo-rows test test-slow lint lock bench

help:
	@echo "make install    a virtual environment in $(VENV) with docmill and the embedded model"
	@echo "make demo       the sample pipeline over the sample documents, offline"
	@echo "make demo-rows  the first 20 rows of a table of support tickets, offline"
	@echo "make test       the tests (minutes); make test-slow: the full-scale ones"
	@echo "make lint       ruff, mypy and the layers of imports"
	@echo "make lock       resolve the dependencies anew into requirements.lock"
	@echo "make bench      docmill beside a bare gather of the same calls"

install: $(INSTALLED) $(TICKETS)
	@echo 'To have docmill at hand, type:  source $(BIN)/activate'

# The small model's reply may be invalid even after its repairs: exit 1, and the outcome says so.
demo: $(INSTALLED)
	$(BIN)/docmill run flows/pipelines/inbox.yaml --endpoint local --model smollm2-135m-instruct || test $$? -eq 1
	$(BIN)/docmill evaluate flows/pipelines/inbox.yaml --labels samples/labels.csv

# It begins with no results, as --limit takes rows that are not done yet; what was asked is in the cache.
demo-rows: $(INSTALLED) $(TICKETS)
	rm -f demo-rows.db
	$(BIN)/docmill run flows/pipelines/tickets.yaml --limit 20 --into sqlite:///demo-rows.db \
		--endpoint local --model smollm2-135m-instruct || test $$? -eq 1
	$(BIN)/docmill evaluate flows/pipelines/tickets.yaml --labels samples/tickets-labels.csv --into sqlite:///demo-rows.db

# Two at a time, as most of a test's time is waiting; a module's tests stay together.
test: $(INSTALLED)
	$(BIN)/pytest -n 2 --dist loadfile

test-slow: $(INSTALLED)
	$(BIN)/pytest -m slow

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# What docmill runs with and the model, and in a file of their own the packages that only development adds.
RESOLVE := $(BIN)/uv pip compile --universal --generate-hashes --no-emit-index-url --no-header --no-annotate
lock: $(INSTALLED)
	$(RESOLVE) pyproject.toml --group local --group dev -o $(VENV)/all.lock >/dev/null
	$(RESOLVE) pyproject.toml --group local -c $(VENV)/all.lock -o requirements.lock >/dev/null
	awk 'NR == FNR { if (/^[^ #]/) runs[$$1]; next } /^[^ ]/ { keep = !($$1 in runs) } keep' \
		requirements.lock $(VENV)/all.lock >requirements-dev.lock

$(TICKETS): samples/tickets.csv samples/tickets.py | $(INSTALLED)
	$(BIN)/python samples/tickets.py

$(INSTALLED): requirements.lock requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "docmill needs Python 3.11 or later; name one: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@echo "installing docmill's packages into $(VENV): a minute or so"
	@$(BIN)/pip install --disable-pip-version-check --quiet --no-deps --require-hashes -r requirements.lock -r requirements-dev.lock
	@$(BIN)/pip install --disable-pip-version-check --quiet --no-deps -e .
	@touch $@

bench: $(INSTALLED)
	$(BIN)/python -m benchmarks.bench --curve docs/images/memory.svg
