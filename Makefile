# The front door: `make help` lists what is here.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
LOCK := requirements/development.txt
STAMP := $(VENV)/.installed
PYTHON ?= python3

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1\t\2/' | expand -t 18

# --- the two commands -------------------------------------------------------------------------------

.PHONY: demo
demo: install image-if-engine ## Set everything up and grade the sample notebooks end to end
	@$(BIN)/gofer demo

.PHONY: test
test: install image-if-engine hub-environments edx-environment desktop-environment ## Set everything up and run all tests
	@scripts/test $(BIN)/python

# --- setting up -------------------------------------------------------------------------------------

.PHONY: install
install: $(STAMP) ## Make the virtual environment in .venv from the lock file

$(STAMP): $(LOCK) requirements/uv.txt pyproject.toml scripts/install
	@scripts/install $(VENV) $(PYTHON)
	@touch $@

.PHONY: image
image: install ## Build the grader image, unless it is there already
	@$(BIN)/gofer image build

.PHONY: image-service
image-service: install ## Build the image that runs Gofer itself
	@$(BIN)/python -m gofer_ingest.grader image --target service

.PHONY: submit-button
submit-button: install ## Build the wheel of the Submit button, gofer-submit, into dist
	@cd gofer_ingest/labextension && $(CURDIR)/$(BIN)/python -m hatchling build --target wheel \
	    --directory $(CURDIR)/dist

.PHONY: image-if-engine
image-if-engine: install
	@scripts/image-if-engine $(BIN)/python

.PHONY: hub-environments
hub-environments: install
	@scripts/hub-environment 5
	@scripts/hub-environment 6

.PHONY: edx-environment
edx-environment: install
	@scripts/environment requirements/edx.txt .cache/edx "Open edX's LTI consumer"

.PHONY: desktop-environment
desktop-environment: install
	@if command -v Xvfb >/dev/null; then \
	    scripts/environment requirements/desktop.txt .cache/desktop "the window of Qt"; \
	fi

.PHONY: nbgrader-environment
nbgrader-environment: install
	@scripts/environment requirements/nbgrader.txt .cache/nbgrader nbgrader

.PHONY: lock
lock: install ## Resolve the dependencies anew and write the lock files
	@scripts/lock $(BIN)/uv

.PHONY: examples
examples: install ## Make the sample course's autograder zips and notebooks from their sources
	@$(BIN)/python examples/make_examples.py

# --- checking ---------------------------------------------------------------------------------------

.PHONY: check
check: install ## Lint, format, types and architecture
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

.PHONY: format
format: install ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

.PHONY: bench
bench: install image ## Measure Gofer beside `otter grade`, in one run on this machine
	@$(BIN)/python -m tests.bench.grading

.PHONY: bench-ingest
bench-ingest: install ## Measure how many notebooks a second the server takes in
	@$(BIN)/python -m tests.bench.ingest

.PHONY: bench-spool
bench-spool: install ## Measure how long the spool takes to list 20,000 entries
	@$(BIN)/python tests/bench/spool_listing.py

.PHONY: bench-queue
bench-queue: install ## Measure what 20,000 waiting submissions cost, and draw it
	@$(BIN)/python -m tests.bench.full_queue

.PHONY: bench-export
bench-export: install ## Measure exports of a million grades: rows, seconds, peak memory
	@$(BIN)/python -m tests.bench.exports

.PHONY: bench-console
bench-console: install nbgrader-environment ## Measure the staff console in a browser, beside formgrader
	@$(BIN)/python -m tests.bench.console $(BENCH_CONSOLE)

.PHONY: hostile
hostile: install image ## Grade all hostile notebooks, in containers used once and in shared ones
	@GOFER_SHARED_START=off $(BIN)/pytest -q tests/docker/hostile
	@GOFER_SHARED_START=on $(BIN)/pytest -q -k "hostile or sharing or shared" tests/docker

.PHONY: chaos
chaos: install image ## Kill and starve everything again and again, and audit every receipt
	@$(BIN)/python -m tests.chaos.run

.PHONY: screenshots
screenshots: install ## Take the screenshots of the console's pages that docs/img/ holds
	@$(BIN)/python -m tests.screenshots

.PHONY: news
news: install ## Show the news fragments as the next release's changelog
	@$(BIN)/towncrier build --draft --version next
