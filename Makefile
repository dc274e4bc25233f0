# `make demo` and `make test` need Python 3.11, make and a C compiler, and install into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# What `make lock` pins torch to.
TORCH := 2.13.0

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
export PIP_ROOT_USER_ACTION := ignore

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Two installations into one .venv must not meet, whatever -j says.
.NOTPARALLEL:
.PHONY: help demo test lint ci docs lock clean

help:
	@sed -n 's/^\([a-z]*\):.*## */  make \1\t/p' $(MAKEFILE_LIST) | expand -t 14

demo: $(VENV)/.installed-worker ## Install, then write the reports of two sample rosters to out/demo
	$(BIN)/nightpress demo

test: $(VENV)/.installed-dev ## Install, then run all tests
	$(BIN)/python -m pytest

train: $(VENV)/.installed-worker ## Train the starter model again, into out/starter
	$(BIN)/python -m models.train --out out/starter

lint: $(VENV)/.installed-dev ## ruff, mypy and the imports between packages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

ci: lint test ## What .ci/run runs

# A stamp is written last, so an installation that was cut short is done again.
$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Nightpress needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed-worker: EXTRAS := worker
$(VENV)/.installed-dev: EXTRAS := worker,dev
$(VENV)/.installed-worker $(VENV)/.installed-dev: $(VENV)/.created pyproject.toml constraints.txt
	@echo "installing nightpress[$(EXTRAS)] into $(VENV); the first time takes minutes"
	@$(BIN)/python -m pip install -qq -c constraints.txt -e '.[$(EXTRAS)]'
	@touch $@

docs: $(VENV)/.installed-dev ## Write docs/command-line.md from the commands
	$(BIN)/python -m docs.command_line

lock: ## Pin the newest versions that pyproject.toml admits in constraints.txt
	@set -eu; fresh=$$(mktemp -d); trap 'rm -rf "$$fresh"' EXIT; \
	echo "installing the newest versions into a fresh environment; this takes minutes"; \
	$(PYTHON) -m venv "$$fresh"; \
	"$$fresh/bin/python" -m pip install --quiet -e '.[worker,dev]' torch==$(TORCH); \
	"$$fresh/bin/python" -m pip freeze --exclude-editable > "$$fresh/frozen"; \
	{ \
	  echo "# Made by 'make lock' on Linux with Python 3.11; don't edit."; \
	  echo "# torch carries no local version, so that its CPU and its CUDA build both fit."; \
	  grep -Ev '^(nvidia-|cuda-|triton)' "$$fresh/frozen" \
	    | sed -E 's/ @ .*//; s/^([^=]+==[^+]+)\+.*/\1/' | LC_ALL=C sort -f; \
	} > "$$fresh/constraints.txt"; \
	cp "$$fresh/constraints.txt" constraints.txt

clean: ## Remove what was installed, built and written
	rm -rf $(VENV) build dist out .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
