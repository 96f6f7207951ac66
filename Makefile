# docmill: `make demo` does the main job offline, `make test` runs the tests. Each installs what it needs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime
DEVELOPMENT := $(VENV)/.development
TICKETS := samples/tickets.sqlite
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq install --no-deps

LABELLED := samples/labelled

.PHONY: help install demo demo-rows test test-browser test-slow lint lock bench bench-peers

help:
	@echo "make demo          the sample pipeline over the sample documents, offline"
	@echo "make demo-rows     the first 20 rows of a table of support tickets, offline"
	@echo "make install       a virtual environment in $(VENV) with docmill, the embedded model and the development tools"
	@echo "make test          the tests (minutes); make test-slow: the full-scale ones"
	@echo "make test-browser  the tests that look at pages, with a chromium"
	@echo "make lint          ruff, mypy and the layers of imports"
	@echo "make lock          resolve the dependencies anew into requirements.lock"
	@echo "make bench         docmill beside a bare gather of the same calls"
	@echo "make bench-peers   docmill beside what people would use instead"

install: $(DEVELOPMENT) $(TICKETS) $(LABELLED)
	@echo 'To have docmill at hand, type:  source $(BIN)/activate'

# The small model's reply may be invalid even after its repairs: exit 1, and the outcome says so.
demo: $(RUNTIME)
	$(BIN)/docmill run flows/pipelines/inbox.yaml --endpoint local --model smollm2-135m-instruct || test $$? -eq 1
	$(BIN)/docmill evaluate flows/pipelines/inbox.yaml --labels samples/labels.csv

# It begins with no results, as --limit takes rows that are not done yet; what was asked is in the cache.
demo-rows: $(RUNTIME) $(TICKETS)
	rm -f demo-rows.db
	$(BIN)/docmill run flows/pipelines/tickets.yaml --limit 20 --into sqlite:///demo-rows.db \
		--endpoint local --model smollm2-135m-instruct || test $$? -eq 1
	$(BIN)/docmill evaluate flows/pipelines/tickets.yaml --labels samples/tickets-labels.csv --into sqlite:///demo-rows.db

# Two at a time, as most of a test's time is waiting; a module's tests stay together, in the order of the conftest.
TWO := -n 2 --dist loadfile --no-loadscope-reorder

test: $(DEVELOPMENT)
	$(BIN)/pytest $(TWO)

test-browser: $(DEVELOPMENT)
	@command -v chromium >/dev/null \
		|| { echo 'these tests look at pages with a chromium, and there is none: apt-get install chromium'; exit 1; }
	$(BIN)/pytest -m browser

test-slow: $(DEVELOPMENT)
	$(BIN)/pytest $(TWO) -m 'slow and not browser'

lint: $(DEVELOPMENT)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# What docmill runs with and the model, and in files of their own the packages that only development adds, and
# those that a team's Prefect server does.
RESOLVE := $(BIN)/uv pip compile --universal --generate-hashes --no-emit-index-url --no-header --no-annotate
ADDED := awk 'NR == FNR { if (/^[^ \#]/) runs[$$1]; next } /^[^ ]/ { keep = !($$1 in runs) } keep'
lock: $(DEVELOPMENT)
	$(RESOLVE) pyproject.toml --group local --group dev -o $(VENV)/all.lock >/dev/null
	$(RESOLVE) pyproject.toml --group local -c $(VENV)/all.lock -o requirements.lock >/dev/null
	$(RESOLVE) pyproject.toml --group local --group server -c $(VENV)/all.lock -o $(VENV)/server.lock >/dev/null
	$(ADDED) requirements.lock $(VENV)/all.lock >requirements-dev.lock
	$(ADDED) requirements.lock $(VENV)/server.lock >deploy/requirements.lock

$(TICKETS): samples/tickets.csv samples/tickets.py | $(RUNTIME)
	@$(BIN)/python samples/tickets.py

# 210 documents of which it is known what is true; plain Python makes them.
$(LABELLED): samples/labelled.py $(wildcard samples/labelling/*.py)
	@$(PYTHON) samples/labelled.py

# Of what is installed docmill imports a part, which is compiled once: where Python is told to write no bytecode,
# as in many images, each process would compile it again, which takes seconds.
WARM := env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -c \
	'import docmill.flows.cli.run, docmill.flows.process, prefect.server.api.server'
$(RUNTIME): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "docmill needs Python 3.11 or later; name one: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	@echo "installing docmill's packages and its model into $(VENV): a minute or so"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --no-compile --require-hashes -r requirements.lock
	@$(PIP) -e .
	@$(WARM)
	@touch $@

$(DEVELOPMENT): requirements-dev.lock $(RUNTIME)
	@echo "installing the development tools"
	@$(PIP) --no-compile --require-hashes -r requirements-dev.lock
	@touch $@

bench: $(DEVELOPMENT)
	$(BIN)/python -m benchmarks.bench --curve docs/images/memory.svg

PEERS := $(VENV)/peers
bench-peers: $(DEVELOPMENT) $(PEERS)
	$(BIN)/python -m benchmarks.beside --python $(PEERS)/bin/python

$(PEERS): benchmarks/peers/requirements.txt
	@$(PYTHON) -m venv $@
	@$@/bin/pip --disable-pip-version-check -qq install -r $<
	@touch $@
