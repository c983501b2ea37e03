# Start with `make demo` or `make test` on a fresh Debian machine. Both install what is missing.

PYTHON ?= python3
VENV := .venv
ENVIRONMENT := $(VENV)/installed
BIN := $(VENV)/bin
# Number of tests that run at a time, each with a broker and a database of its own. Tests wait as much as they work, so
# this may exceed the number of processors.
PROCESSES ?= 4

.PHONY: help demo test test-matrix test-pythons test-container bench bench-check check mutants audit format clean system

help: ## Show this help.
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1	\2/p' $(MAKEFILE_LIST)

demo: system $(ENVIRONMENT) ## Run the main job on a private broker and database.
	@PATH="$(abspath $(BIN)):$$PATH" $(BIN)/attune-infra sandbox run -- bash examples/demo.sh

test: system $(ENVIRONMENT) ## Run all tests, on private brokers and databases.
	@.ci/install-system-packages $(BIN)/python tests
	@.ci/pytest $(BIN)/pytest --numprocesses=$(PROCESSES) $(PYTEST_OPTIONS)

test-matrix: system $(ENVIRONMENT) ## Run the tests that need a broker on RabbitMQ 3.10, 4.0 and 4.3; as root.
	@.ci/install-system-packages $(BIN)/python tests
	@PROCESSES=$(PROCESSES) .ci/test-matrix $(BIN)/pytest $(LEGS)

test-pythons: system $(ENVIRONMENT) ## Run fast tests on Python 3.11 to 3.14, and with the oldest libraries.
	@.ci/install-system-packages $(BIN)/python tests
	@PROCESSES=$(PROCESSES) .ci/test-pythons $(BIN)/uv $(LEGS)

test-container: system $(ENVIRONMENT) ## Build the image, and use it on a private broker; as root.
	@.ci/test-container $(BIN)

bench: system $(ENVIRONMENT) ## Compare its speed with other tools; about ten minutes (BENCH_OPTIONS=--help).
	@PYTHONPATH=tests $(BIN)/python -m benchmarks.bench $(BENCH_OPTIONS)

bench-check: system $(ENVIRONMENT) ## Measure like bench, and fail if a ratio is over its target.
	@PYTHONPATH=tests $(BIN)/python -m benchmarks.bench --check $(BENCH_OPTIONS)

check: $(ENVIRONMENT) ## Check style, types, imports and sizes; takes seconds, needs no broker.
	@$(BIN)/ruff format --check . || { echo "to fix this: make format"; exit 1; }
	@$(BIN)/ruff check . || { echo "to fix some of these: make format"; exit 1; }
	@$(BIN)/mypy || { echo "each line above names a file and the error in its types"; exit 1; }
	@$(BIN)/lint-imports || { echo "docs/architecture.md says which package may import which"; exit 1; }
	@$(BIN)/python .ci/check-house || { echo "each line above names a place, and how to fix it"; exit 1; }

mutants: system $(ENVIRONMENT) ## Change pure code at random, and see whether a test fails (MUTANTS_OPTIONS=--help).
	@nice -n 10 $(BIN)/python .ci/mutants --page docs/mutants.md $(MUTANTS_OPTIONS)

audit: $(ENVIRONMENT) ## Look for known vulnerabilities in the libraries; needs the internet.
	$(BIN)/uv tool run pip-audit --strict --skip-editable --path $(wildcard $(VENV)/lib/python3.*/site-packages)

format: $(ENVIRONMENT) ## Format the code and fix what can be fixed automatically.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## Remove the virtual environment and all caches.
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

system:
	@.ci/install-system-packages $(PYTHON)

$(ENVIRONMENT): pyproject.toml
	@.ci/install-system-packages $(PYTHON)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable '.[dev]'
	@touch $@
