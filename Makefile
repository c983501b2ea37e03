# Two commands on a fresh Debian machine: `make demo` and `make test`. Both install what is missing.

PYTHON ?= python3
VENV := .venv
ENVIRONMENT := $(VENV)/installed
BIN := $(VENV)/bin
# That many tests run at a time, each with a broker and a database of its own: more than there are processors, since
# they wait as much as they work.
PROCESSES ?= 4

.PHONY: help demo test test-matrix bench check format clean system

help: ## Show this.
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1	\2/p' $(MAKEFILE_LIST)

demo: system $(ENVIRONMENT) ## Show the main job on a private broker and database.
	@PATH="$(abspath $(BIN)):$$PATH" $(BIN)/attune-infra sandbox run -- bash examples/demo.sh

test: system $(ENVIRONMENT) ## Run all tests, against a private broker and database.
	@.ci/install-system-packages $(BIN)/python tests
	$(BIN)/pytest --numprocesses=$(PROCESSES) $(PYTEST_OPTIONS)

test-matrix: system $(ENVIRONMENT) ## Run the tests that ask a broker on RabbitMQ 3.10, 4.0 and 4.3; as root.
	@.ci/install-system-packages $(BIN)/python tests
	@PROCESSES=$(PROCESSES) .ci/test-matrix $(BIN)/pytest $(LEGS)

bench: system $(ENVIRONMENT) ## Measure the program beside its peers; some ten minutes (BENCH_OPTIONS=--help).
	@PYTHONPATH=tests $(BIN)/python -m benchmarks.bench $(BENCH_OPTIONS)

check: $(ENVIRONMENT) ## Check style, types and imports; quick, and needs no broker.
	@$(BIN)/ruff format --check . || { echo "mend it with: make format"; exit 1; }
	@$(BIN)/ruff check . || { echo "mend what can be with: make format"; exit 1; }
	@$(BIN)/mypy || { echo "each line above names a file and what its types lack"; exit 1; }
	@$(BIN)/lint-imports || { echo "who may import whom: docs/architecture.md"; exit 1; }

format: $(ENVIRONMENT) ## Format the code and mend what can be mended by itself.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## Remove everything that was made here.
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

system:
	@.ci/install-system-packages $(PYTHON)

$(ENVIRONMENT): pyproject.toml
	@.ci/install-system-packages $(PYTHON)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable '.[dev]'
	@touch $@
