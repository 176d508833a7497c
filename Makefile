# Everything needs only make, git and Python 3.11 to 3.13 with pip and venv.
# Variables: NUXA_PYTHON (which Python), NUXA_TORCH_INDEX (an index with CPU builds of torch).

.DEFAULT_GOAL := help
.PHONY: help install run test test-slow test-external test-browser fuzz interpreter voice-models local-model socket-clients sdk-types settings-page formats-page lint \
	format types evals bench golden constraints clean
export NUXA_PYTHON NUXA_TORCH_INDEX
PYTHON := .venv/bin/python
DATA ?= evals/data
WORKERS ?= 2
# What our own sets gave when it was last looked at; a set of yours has none.
baseline = $(if $(filter evals/data,$(DATA)),--baseline evals/baselines/$(1).json)

help: ## Show these lines
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile

install: ## Make .venv, or bring it up to date (every other target does so by itself)
	@./install.sh

run: install ## Start everything on this machine and print how to use it; Ctrl-C ends it
	@exec $(PYTHON) -m api run

test: install ## Run the tests (ARGS="-k name" to choose; WORKERS=n side by side)
	@$(PYTHON) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

test-slow: install ## Run the tests that take long: soak, kills, whole data sets
	@$(PYTHON) -m pytest -m slow --timeout 1800 $(ARGS)

test-external: install ## Run the walks on Debian's PostgreSQL, Redis and RabbitMQ (as root)
	@tests/external/run.sh $(ARGS)

test-browser: install ## Open /api-docs in Debian's Chromium (as root where that is not installed yet)
	@command -v chromium >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; }
	@$(PYTHON) -m pip install -q -c constraints.txt -e '.[dev,browser]'
	@$(PYTHON) -m pytest -m browser $(ARGS)

fuzz: install ## Send generated requests to every route for 20 minutes (SECONDS=n for another time)
	@NUXA_FUZZ_SECONDS=$(or $(SECONDS),1200) $(PYTHON) -m pytest tests/api/openapi/test_fuzz.py $(ARGS)

interpreter: install ## Get the packages that Python functions may import, and name them
	@$(PYTHON) -m pip install -q -c constraints.txt -e '.[dev,interpreter]'
	@$(PYTHON) -m core.sandbox.interpreter

voice-models: install ## Get the models that listen and speak, and verify them (about 270 MB)
	@$(PYTHON) -m pip install -q -c constraints.txt -e '.[dev,voice]'
	@$(PYTHON) -m core.models.speech.install

local-model: install ## Get a chat model that runs here, and verify it (1.1 GB; MODEL=name or file)
	@$(PYTHON) -m pip install -q -c constraints.txt -e '.[dev,local]'
	@$(PYTHON) -m core.models.local.install $(MODEL)

socket-clients: install ## Get the npm clients that the tests of sockets run (20 MB, from the npm registry)
	@$(PYTHON) tests/javascript/install.py

sdk-types: install ## Write the TypeScript client's types anew from the description
	@PYTHONPATH=. $(PYTHON) clients/typescript/generate.py

settings-page: install ## Write docs/settings.md from the settings' declaration
	@$(PYTHON) -m api settings > docs/settings.md

formats-page: install ## Write docs/formats.md from the registry of formats
	@$(PYTHON) -m ingest.formats > docs/formats.md

lint: install ## Check style and imports between packages
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@.venv/bin/lint-imports

format: install ## Put the code into the one format
	@$(PYTHON) -m ruff check --fix .
	@$(PYTHON) -m ruff format .

types: install ## Check types, strictly
	@$(PYTHON) -m mypy
	@$(PYTHON) -m mypy clients/python/nuxa clients/typescript/generate.py

evals: install ## Measure our own sets against evals/baselines (DATA=dir for sets of your own)
	@$(PYTHON) -m evals retrieval --data $(DATA)/retrieval $(call baseline,retrieval)
	@for set in $(DATA)/languages/*/; do \
		[ ! -d $$set ] || $(PYTHON) -m evals retrieval --data $$set --language $$(basename $$set) \
			$(call baseline,$$(basename $$set)) || exit 1; done
	@$(PYTHON) -m evals answers --data $(DATA)/answers $(call baseline,answers)
	@[ ! -d $(DATA)/ocr ] || $(PYTHON) -m evals ocr --data $(DATA)/ocr $(call baseline,ocr)
	@$(PYTHON) -m evals ingest --data $(DATA)/answers $(call baseline,ingest)
	@[ ! -d $(DATA)/modes ] || $(PYTHON) -m evals modes --data $(DATA)/modes --least 1
	@[ ! -d $(DATA)/injection ] || $(PYTHON) -m evals injection --data $(DATA)/injection

bench: install ## Measure speed and memory against yardsticks run in the same minute
	@$(PYTHON) -m evals bench $(ARGS)

golden: install ## Check the recorded outputs (ARGS=--update to record anew)
	@$(PYTHON) -m pytest tests/golden $(ARGS)

constraints: install ## Take the newest versions the bounds admit and note them in constraints.txt
	@./constraints.sh

clean: ## Remove what is built (.venv, caches); data in var/ stays
	@rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
