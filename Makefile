# What a person runs. The work is in scripts/; `make help` lists it. GNU make 3.81 will do.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
PYTEST := $(PY) -m pytest
STAMP := $(VENV)/.complete

# Settings that scripts read: make test-local ENGINE=localstack, make deploy BACKEND_CONFIG=backend.hcl …
export ENGINE ENDPOINT TF STATE BACKEND_CONFIG PLAN DELETE_HISTORY FUNCTION MAKE

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-unit test-property test-functional test-terraform test-local test-nightly lint format docs \
	package plan deploy destroy invoke local-up local-down bench pr pr-python

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-16s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup: $(STAMP) ## make .venv with everything that the other targets need; they do it themselves when it's missing
	@echo "ready: $(VENV)/bin/trail --help"

$(STAMP): requirements.txt handler/requirements.txt handler/audit_trail/cli/requirements.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "error: no $(PYTHON) here: install Python 3.11 or newer, or name it: make setup PYTHON=…" >&2; exit 1; }
	@$(PYTHON) scripts/setup.py $(VENV)
	@touch $@

demo: $(STAMP) ## deploy to an emulator here, change an order three times, show its history
	@$(PY) -m scripts.demo

test: $(STAMP) ## everything below: lint, unit, property, terraform, functional, local
	@$(PY) -m scripts.stages lint test-unit test-property test-terraform test-functional test-local

test-unit: $(STAMP) ## tests that need nothing
	@$(PYTEST) tests/unit -n auto

test-property: $(STAMP) ## hypothesis: what holds for every item
	@$(PYTEST) tests/property -n auto

test-terraform: $(STAMP) package ## validate and test the modules, without credentials
	@$(PYTEST) tests/terraform

test-functional: $(STAMP) ## on AWS's own DynamoDB Local (Java, npm), or ENDPOINT=http://…
	@$(PYTEST) tests/functional -n 2 --dist loadfile $(if $(ENDPOINT),--endpoint-url $(ENDPOINT))

test-local: $(STAMP) package ## end to end: Terraform, stream, the zip, on LocalStack or MiniStack
	@$(PYTEST) tests/e2e $(if $(ENDPOINT),--endpoint-url $(ENDPOINT))

test-nightly: $(STAMP) ## the large runs of the property tests
	@HYPOTHESIS_PROFILE=nightly $(PYTEST) tests/property tests/functional
	@$(PY) -m tests.bench.worst_records --minutes 20

lint: $(STAMP) package ## ruff, mypy, import-linter, terraform fmt and validate, checkov, READMEs' tables
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@$(VENV)/bin/lint-imports
	@$(PY) -m scripts.terraform fmt -check -diff -recursive . ../tests/terraform
	@$(PY) -m scripts.terraform_docs --check
	@$(PY) -m scripts.terraform_check

format: $(STAMP) ## format Python and Terraform, and mend what ruff can
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .
	@$(PY) -m scripts.terraform fmt -recursive . ../tests/terraform

docs: $(STAMP) ## write all generated documentation: docs/trail.md and the READMEs' tables
	@$(PY) -m scripts.trail_docs
	@$(PY) -m scripts.terraform_docs

package: $(STAMP) ## build build/handler.zip, the same bytes for the same sources
	@$(PY) -m scripts.build_zip

plan: $(STAMP) package ## show what deploy would change (BACKEND_CONFIG=FILE or STATE=local; PLAN=FILE saves it)
	@$(PY) -m scripts.deploy plan

deploy: $(STAMP) package ## deploy to AWS (BACKEND_CONFIG=FILE or STATE=local; PLAN=FILE applies a saved plan)
	@$(PY) -m scripts.deploy deploy

destroy: $(STAMP) package ## destroy what deploy made; stops while tables are protected (DELETE_HISTORY=yes)
	@$(PY) -m scripts.deploy destroy

invoke: $(STAMP) ## run the function with tests/events/sample.json (after local-up, or FUNCTION=name on AWS)
	@$(PY) -m scripts.invoke

local-up: $(STAMP) ## deploy to an emulator here and write .local/env (ENGINE=localstack, ENDPOINT=http://…)
	@$(PY) -m scripts.local up

local-down: $(STAMP) ## end what local-up or demo started
	@$(PY) -m scripts.local down

bench: $(STAMP) ## speed, memory and cost of a record, against a naive handler (OPTIONS='--json FILE --markdown')
	@$(PY) -m tests.bench $(OPTIONS)

pr: test ## what CI runs on a pull request

pr-python: test-unit test-property ## what CI runs on each further Python
