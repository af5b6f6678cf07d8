# What people type. Each target is one command of scripts/; what they do is said there.

.DEFAULT_GOAL := help
SHELL := /bin/sh
BIN := .venv/bin

# The first Python that is new enough; the requirements are compiled for 3.11.
PYTHON ?= $(shell for python in python3.11 python3 python3.12 python3.13 python; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$python && break; done)

# Compiled modules are kept, or each of the processes would compile everything again at each start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run test check format demo requirements vendor environment environment-dev

help: ## What there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' Makefile

run: environment ## Start the portal here: web, worker and schedule (HOST, PORT)
	@exec $(BIN)/python scripts/serve.py

test: environment-dev ## The whole suite, on each database that answers
	@exec $(BIN)/python scripts/run_tests.py

check: environment-dev ## Lint, types, templates, import direction, missing migrations, security
	@exec $(BIN)/python scripts/run_checks.py

format: environment-dev ## Put the code into its form
	@$(BIN)/ruff check --quiet --fix-only . && $(BIN)/ruff format --quiet .

demo: environment ## Fill the database with a demo company of SIZE
	@$(BIN)/python manage.py migrate --verbosity 0 && exec $(BIN)/python manage.py load_demo_company $(if $(SIZE),--size $(SIZE))

requirements: environment-dev ## Compile the pinned and hashed requirements again
	@sh scripts/requirements.sh

vendor: ## Fetch the vendored browser files again and compare them
	@sh scripts/vendor.sh

environment:
	@$(or $(PYTHON),$(error Python 3.11 or later is needed and none was found)) scripts/environment.py

environment-dev:
	@$(or $(PYTHON),$(error Python 3.11 or later is needed and none was found)) scripts/environment.py --dev
