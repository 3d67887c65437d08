# Two commands matter: `make demo` runs the main job, `make test` the tests. Both set up what they need.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# uv is on the PATH, or tools/setup puts it here.
export PATH := $(PATH):$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/konsento/uv/bin
# Dozens of processes import the same modules: the first one keeps what it has compiled for the rest.
unexport PYTHONDONTWRITEBYTECODE
DEV := .venv/dev/bin

.PHONY: help demo test lint test-firmware test-site test-cloud test-cloud-people test-cloud-core test-cloud-money test-system test-properties pictures bench lock format clean

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

demo: ## The whole line on this machine; ARGS="--once --json" runs one session and ends, ARGS=--help lists more
	@tools/setup firmware site cloud dev
	@PYTHONPATH=tools $(DEV)/python -m rig.demo $(ARGS)

# Four runs at a time on two cores: each mostly waits for real clocks.
test: ## Everything that CI runs
	@tools/setup firmware site newest cloud dev chromium doctest
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory --jobs=4 --output-sync=line test-system test-cloud test-firmware test-site

lint: ## ruff, mypy --strict and the floors of the cloud
	@tools/setup site dev
	$(DEV)/ruff check .
	$(DEV)/ruff format --check .
	cd cloud && ../$(DEV)/mypy -p konsento
	MYPYPATH=tools/typings $(DEV)/mypy --python-executable .venv/site/bin/python custom_components/konsento
	MYPYPATH=.:tools:cloud $(DEV)/mypy --explicit-package-bases --exclude tools/typings tools tests/system tests/bench
	cd cloud && PYTHONPATH=. ../$(DEV)/lint-imports

test-firmware: ## The outlet's firmware
	@tools/setup firmware dev doctest
	$(DEV)/pytest tests/firmware

test-site: ## The Home Assistant integration
	@tools/setup firmware site newest
	.venv/site/bin/pytest -c tests/site/pytest.ini tests/site
	@echo "the outlets' drivers with the newest aioesphomeapi"
	PYTHONPATH=.venv/newest .venv/site/bin/pytest -c tests/site/pytest.ini tests/site/outlet

test-cloud: test-cloud-people test-cloud-core test-cloud-money ## The management server

# In three runs, which `make test` has side by side: what people and their programs see, money, and all below it.
PEOPLE := $(addprefix tests/cloud/,pages web backoffice api accounts environment)
MONEY := $(addprefix tests/cloud/,payments settlement rewards invoices statements ledger pricing catalogue partners portal)

test-cloud-people:
	@tools/setup dev chromium
	$(DEV)/pytest $(PEOPLE)

test-cloud-core:
	@tools/setup dev
	$(DEV)/pytest tests/cloud $(addprefix --ignore=,$(PEOPLE) $(MONEY))

test-cloud-money:
	@tools/setup dev
	$(DEV)/pytest $(MONEY)

test-system: ## The whole line with real processes
	@tools/setup firmware site cloud dev chromium
	$(DEV)/pytest tests/system

test-properties: ## The property tests with new random examples
	@tools/setup firmware site dev doctest
	$(DEV)/pytest tests/firmware tests/cloud -m hypothesis --hypothesis-profile=default
	.venv/site/bin/pytest -c tests/site/pytest.ini tests/site -m hypothesis --hypothesis-profile=default

pictures: ## The pictures of docs/start.md anew
	@tools/setup firmware site cloud dev chromium
	KONSENTO_PICTURES=1 $(DEV)/pytest tests/system/test_install.py

bench: ## Measurements; ONLY=name for one
	@tools/setup firmware site cloud dev
	@PYTHONPATH=tools:cloud:. $(DEV)/python -m tests.bench $(if $(ONLY),--only $(ONLY))

lock: ## Renew requirements/*.txt
	@tools/setup
	@tools/lock

format: ## Format the Python code
	@tools/setup dev
	$(DEV)/ruff check --fix .
	$(DEV)/ruff format .

clean: ## Remove what was built here
	rm -rf build .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
