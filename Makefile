PYTHON ?= python3
STAGE ?= dev
BIN := .venv/bin
READY := .venv/.ready
# One worker per CPU of the smallest machine that runs the tests; one more for tests that wait for servers half of the time.
WORKERS ?= 2
MORE_WORKERS ?= 3
# The compiled tests are kept, whatever the environment says: it takes ten seconds to compile them.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --dist loadfile --no-loadscope-reorder --numprocesses
PARALLEL := $(PYTEST) $(WORKERS)

.DEFAULT_GOAL := help
.PHONY: help setup run clean-data run-functions migrate test test-all test-browsers test-functions test-tools fuzz lint demo bench soak load image-check package cost deploy launch destroy release lock

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## create .venv (the other targets do it when needed)

$(READY): requirements.txt requirements-dev.txt clients/python/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("SyncKairos needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.13")'
	@echo "Setting up .venv (once, about half a minute) ..."
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt -r requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable clients/python
	@$(BIN)/python -m compileall -q functions shared infra
	@touch $(READY)

run: $(READY) ## start the service and its console on http://127.0.0.1:3000 (PORT=, LAN=1 for phones, DATA_DIR=)
	@exec $(BIN)/python -m infra.local.run

clean-data: $(READY) ## delete the data that make run keeps in .data (DATA_DIR=)
	@$(BIN)/python -m infra.local.data_folder

run-functions: $(READY) ## the same as AWS Lambda functions, emulated locally (needs Node)
	@exec $(BIN)/python -m infra.local.run_functions

test: $(READY) ## the tests of every commit: all rules, real servers (5 minutes on 2 cores)
	@$(PYTEST) $(MORE_WORKERS) -m "not extended"
	@echo "Tests of the HTTP contract, against the functions:"
	@TARGET=functions $(PARALLEL) -m "http and not extended" tests/integration

test-all: $(READY) ## also browsers, faults, releases (under 20 minutes)
	@mkdir -p .build; git rev-parse HEAD > .build/testing 2>/dev/null || true
	@$(PARALLEL) -m "not alone and not timed and not tools and not browsers"
	@echo "Tests with many clients or faults:"
	@$(PARALLEL) -m timed tests/integration tests/resilience
	@echo "Tests that load the whole machine, without parallel tests:"
	@$(BIN)/python -m pytest -m alone tests/integration tests/resilience
	@echo "Tests of the HTTP contract, against the functions:"
	@TARGET=functions $(PARALLEL) -m "http and not extended" tests/integration
	@if test -z "$$(git status --porcelain)" && git rev-parse HEAD | cmp -s - .build/testing; then cp .build/testing .build/tested; fi

test-browsers: $(READY) ## the tests of the console in detail
	@$(PARALLEL) -m browsers

test-functions: $(READY) ## the whole HTTP contract, against the functions
	@TARGET=functions $(PARALLEL) -m http tests/integration

test-tools: $(READY) ## the tests of these commands, of the emulators and of the monitoring
	@$(PARALLEL) -m tools

fuzz: $(READY) ## random requests, games and histories at full length (an hour)
	@FUZZ=full $(BIN)/python -m pytest tests/fuzz tests/unit/domain tests/resilience/linearizability/test_checker.py tests/clients/test_clock_simulation.py tests/clients/test_conformance.py tests/integration/realtime tests/integration/test_bad_input.py tests/integration/test_soak.py tests/integration/test_service_on_cluster.py
	@FUZZ=full TARGET=functions $(BIN)/python -m pytest -m http tests/integration
	@$(BIN)/python -m tests.resilience.linearizability --histories 2000

lint: $(READY) ## formatting, lint, types, unsafe code, known vulnerabilities
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/shellcheck .ci/run infra/module.sh infra/scripts/* infra/image/pin infra/console/bundle.sh
	@$(BIN)/hadolint Dockerfile
	@$(BIN)/bandit --quiet --recursive --severity-level medium --exclude '*/node_modules/*' functions shared infra
	@$(BIN)/python -m infra.advisories
	@echo "lint: clean"

demo: $(READY) ## replay a real chess game for five clients, 60 times faster (ARGS=--functions)
	@$(BIN)/python -m tests.demo $(ARGS)

bench: $(READY) ## throughput and latency, compared with the bare Redis calls (needs wrk)
	@$(BIN)/python -m tests.load.bench $(ARGS)

load: $(READY) ## a load test (SCENARIO=, without it the list)
	@$(BIN)/python -m tests.load $(or $(SCENARIO),--help) $(ARGS)

soak: $(READY) ## 10,000 changes while servers are killed; check that none was lost
	@$(BIN)/python -m tests.resilience.soak $(ARGS)

migrate: $(READY) ## update the database of DATABASE_URL
	@$(BIN)/python -m infra.migrate

image-check: $(READY) ## build and test the container image without Docker (Debian, root; needs Node)
	@$(BIN)/python -m infra.image

package: $(READY) ## build and check the AWS Lambda packages, without an account (STAGE=; needs Node)
	@$(BIN)/python -m infra.packaging --stage $(STAGE)

cost: package ## what a stage costs on AWS in a month without users (STAGE=)
	@$(BIN)/python -m infra.costs

deploy: package ## deploy the functions to AWS (STAGE=, REGION=)
	@version=$$($(BIN)/python -m infra.environment.secrets_version --stage $(STAGE) $(if $(REGION),--region $(REGION))) && \
		infra/aws/node_modules/.bin/osls deploy --stage $(STAGE) $(if $(REGION),--region $(REGION)) --param="secretsVersion=$$version"

launch: $(READY) ## from nothing to a running stage, resumable (TARGET=fly|lambda, STAGE=, REGION=, APP=, ALARMS=)
	@$(BIN)/python -m infra.launch launch --target '$(TARGET)' --stage '$(STAGE)' --region '$(REGION)' --app '$(APP)' --organization '$(ORGANIZATION)' --alarms-to '$(ALARMS)' $(if $(YES),--yes)

destroy: $(READY) ## delete what make launch created, and nothing else (TARGET=fly|lambda, STAGE=)
	@$(BIN)/python -m infra.launch destroy --target '$(TARGET)' --stage '$(STAGE)'

release: $(READY) ## build and check the client packages in .build/release (needs Node); uploads nothing
	@$(BIN)/python -m infra.client_release

lock: $(READY) ## lock the dependencies anew
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --all-extras pyproject.toml -o requirements.txt
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 -c requirements.txt pyproject.toml -o infra/image/requirements.txt
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --group dev -c requirements.txt -o requirements-dev.txt
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --all-extras --group deploy -c requirements-dev.txt -c requirements.txt pyproject.toml -o requirements-deploy.txt
