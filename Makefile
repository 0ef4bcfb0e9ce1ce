# Everything runs in .venv, made from the locked requirements; nothing else of the machine is touched.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.PHONY: demo test suite hours pages journeys lint conformance messages chaos histories reminders api clients fuzz bench lock clean

demo: $(VENV)/installed
	@$(BIN)/quittance demo $(ARGS)

# First what is quick; with make -j2 both at once, as the CI has it.
test: lint suite

suite: $(VENV)/installed
	@$(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile --no-loadscope-reorder -q $(ARGS)

lint: $(VENV)/installed
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check -q .
	@$(BIN)/mypy

# The quick part of the tests at midnight in Paris, at ends of months and years, and years ahead: docs/proofs.md.
hours: $(VENV)/installed
	@PYTHONPATH=tests $(BIN)/python -m hours $(ARGS)

# Our files before independent judges (veraPDF, Mustang, published Schematron): docs/conformance.md.
conformance: $(VENV)/installed
	@PYTHONPATH=tests $(BIN)/python -m conformance $(ARGS)

# Every life-cycle message and declaration that the tests send, before the published rules: docs/proofs.md.
messages: $(VENV)/installed
	@PYTHONPATH=tests $(BIN)/python -m conformance.messages $(ARGS)

# Long proofs; a short version of each is part of `make test`.
chaos: $(VENV)/installed
	@PYTHONPATH=tests $(BIN)/python -m chaos.crash
	@PYTHONPATH=tests $(BIN)/python -m chaos.flows
	@$(BIN)/python -m pytest -q -m slow $(ARGS)

# Ten thousand histories of the same facts in other orders, and a thousand that are declared (docs/proofs.md).
histories: $(VENV)/installed
	@QUITTANCE_HISTORIES=10000 QUITTANCE_DECLARED_HISTORIES=1000 $(BIN)/python -m pytest -q -s \
		tests/integration/test_histories.py tests/integration/test_declared_histories.py $(ARGS)

# Ten thousand random portfolios: no reminder of money that is paid, in flight, promised or disputed (docs/dunning.md).
reminders: $(VENV)/installed
	@QUITTANCE_PORTFOLIOS=10000 $(BIN)/python -m pytest -q -s tests/integration/test_dunning_invariant.py $(ARGS)

# Every operation of our API, called as its published schema says, with made-up input, right and wrong (docs/api.md).
api: $(VENV)/installed
	@QUITTANCE_SCHEMATHESIS_EXAMPLES=100 $(BIN)/python -m pytest -q -s tests/web/test_api_contract.py $(ARGS)

# Clients that others' generators make of our schema, compiled, and one of them used for a day (docs/api.md).
clients: $(VENV)/installed
	@PYTHONPATH=tests $(BIN)/python -m clients

# Every page in a real browser, on phone and desk, by day and by night (docs/design.md).
pages: $(VENV)/installed
	@QUITTANCE_EVERY_VIEW=1 $(BIN)/python -m pytest -q tests/web/test_pages_of_staff.py tests/web/test_pages_of_customer.py $(ARGS)

# What people come to do, timed and counted, with pictures in .var/journeys (docs/proofs.md).
journeys: $(VENV)/installed
	@PYTHONPATH=tests $(BIN)/python -m journeys $(ARGS)

# N inputs (a million by default) of SEED; goes on where it stopped, the sums are in .var/fuzz.
fuzz: $(VENV)/installed
	@PYTHONPATH=tests $(BIN)/python -m fuzz.campaign

bench: $(VENV)/installed
	@PYTHONPATH=tests $(BIN)/python -m bench.webhooks
	@PYTHONPATH=tests $(BIN)/python -m bench.issuing
	@PYTHONPATH=tests $(BIN)/python -m bench.facturx
	@PYTHONPATH=tests $(BIN)/python -m bench.memory
	@PYTHONPATH=tests $(BIN)/python -m bench.archive
	@PYTHONPATH=tests $(BIN)/python -m bench.flows
	@PYTHONPATH=tests $(BIN)/python -m bench.matching
	@PYTHONPATH=tests $(BIN)/python -m bench.credit
	@PYTHONPATH=tests $(BIN)/python -m bench.indicators
	@PYTHONPATH=tests $(BIN)/python -m bench.pages

# Writes requirements.lock anew from pyproject.toml: exact versions with their hashes.
lock: $(VENV)/installed
	@$(BIN)/uv pip compile -q --universal --extra test --generate-hashes --no-header \
		pyproject.toml -o requirements.lock

$(VENV)/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Quittance needs Python 3.11 or newer; run make with PYTHON=/path/to/it."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

clean:
	rm -rf $(VENV) .var
