PYTHON ?= python3
PORT ?= 3000
STAGE ?= dev
BIN := .venv/bin
READY := .venv/.ready
# One worker per CPU of the smallest machine that runs the tests.
WORKERS ?= 2
DISTRIBUTION := --dist loadfile --no-loadscope-reorder
# Tests that measure milliseconds run separately, without parallel tests.
TIMING_TESTS := tests/e2e/test_in_step.py tests/e2e/test_functions_console.py tests/resilience/rolling tests/resilience/overload tests/integration/test_event_loop_blocking.py

.PHONY: setup run run-functions migrate test fuzz lint demo bench soak load image-check package deploy lock

setup: $(READY)

$(READY): requirements.txt requirements-dev.txt clients/python/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("SyncKairos needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12")'
	@echo "Setting up .venv (once, about half a minute) ..."
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt -r requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable clients/python
	@$(BIN)/python -m compileall -q functions shared infra
	@touch $(READY)

run: $(READY)
	@PORT=$(PORT) exec $(BIN)/python -m infra.local.run

run-functions: $(READY)
	@PORT=$(PORT) exec $(BIN)/python -m infra.local.run_functions

migrate: $(READY)
	@$(BIN)/python -m infra.migrate

test: $(READY)
	@mkdir -p .build; git rev-parse HEAD > .build/testing 2>/dev/null || true
	@$(BIN)/python -m pytest --numprocesses $(WORKERS) $(DISTRIBUTION) $(patsubst %,--ignore %,$(TIMING_TESTS))
	@echo "Tests that measure milliseconds, run separately:"
	@$(BIN)/python -m pytest $(TIMING_TESTS)
	@echo "Tests of the HTTP contract, against the functions (make fuzz tests all pairs of parameters):"
	@TARGET=functions $(BIN)/python -m pytest --numprocesses $(WORKERS) $(DISTRIBUTION) -m http tests/integration
	@if test -z "$$(git status --porcelain)" && git rev-parse HEAD | cmp -s - .build/testing; then cp .build/testing .build/tested; fi

fuzz: $(READY)
	@FUZZ=full $(BIN)/python -m pytest tests/fuzz tests/unit/domain tests/resilience/linearizability/test_checker.py tests/clients/test_clock_simulation.py tests/clients/test_conformance.py tests/integration/realtime tests/integration/test_bad_input.py tests/integration/test_soak.py tests/integration/test_service_on_cluster.py
	@FUZZ=full TARGET=functions $(BIN)/python -m pytest -m http tests/integration
	@$(BIN)/python -m tests.resilience.linearizability --histories 2000

lint: $(READY)
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/shellcheck .ci/run infra/module.sh infra/scripts/* infra/image/pin infra/console/bundle.sh
	@$(BIN)/hadolint Dockerfile
	@$(BIN)/bandit --quiet --recursive --severity-level medium --exclude '*/node_modules/*' functions shared infra
	@$(BIN)/python -m infra.advisories
	@echo "lint: clean"

demo: $(READY)
	@$(BIN)/python -m tests.demo $(ARGS)

bench: $(READY)
	@$(BIN)/python -m tests.load.bench $(ARGS)

soak: $(READY)
	@$(BIN)/python -m tests.resilience.soak $(ARGS)

load: $(READY)
	@$(BIN)/python -m tests.load $(or $(SCENARIO),--help) $(ARGS)

image-check: $(READY)
	@$(BIN)/python -m infra.image

package: $(READY)
	@$(BIN)/python -m infra.packaging --stage $(STAGE)

deploy: package
	@infra/aws/node_modules/.bin/osls deploy --stage $(STAGE) $(if $(REGION),--region $(REGION))

lock: $(READY)
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --all-extras pyproject.toml -o requirements.txt
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 -c requirements.txt pyproject.toml -o infra/image/requirements.txt
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --group dev -c requirements.txt -o requirements-dev.txt
