# The door. Each target makes its own .venv and needs nothing beforehand but Python 3.11+, make and git.
# UV= and PYTHON= choose the tools: make test UV= PYTHON=python3.12

PYTHON ?= python3
UV ?= $(shell command -v uv 2>/dev/null)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help demo examples test test-browser test-build check lab bench docs clean

help:  ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

demo: $(STAMP)  ## Run the quickstart without a screen, and show each step
	$(BIN)/python examples/demo.py build/demo

examples: $(STAMP)  ## Run all examples as CI does, with reports in build/examples
	$(BIN)/python examples/demo.py build/examples all

test: $(STAMP)  ## Run the tests
	$(BIN)/python -m pytest tests -n 3 --dist worksteal

test-browser: $(STAMP)  ## Run the tests in JupyterLab and Notebook, in a real browser
	$(BIN)/python -m pytest tests/browser -m browser

test-build: $(STAMP)  ## Build the wheel from a clean clone and from its sdist, without Node: both are one
	$(BIN)/python -m pytest tests/lab/test_build.py -m long

check: $(STAMP)  ## Lint, check types and the floors of the house, of Python and of TypeScript
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python labextension/tools.py check

lab: $(STAMP)  ## Open JupyterLab on the examples
	$(BIN)/jupyter lab --notebook-dir examples

bench: $(STAMP)  ## Run the benchmarks, beside their peers
	$(BIN)/python benchmarks/run.py

docs: $(STAMP)  ## Write the README's table of commands anew
	$(BIN)/python docs/command_table.py

clean:  ## Remove what was built and installed
	rm -rf $(VENV) build dist

$(STAMP): pyproject.toml hatch_build.py $(shell find labextension/src labextension/style labextension/schema -type f)
ifneq ($(UV),)
	$(UV) venv --quiet --allow-existing --python $(PYTHON) $(VENV)
	$(UV) pip install --quiet --python $(BIN)/python -e '.[lab,headless,sign,fairness,security,nlp,dask]' --group test --group check
else
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet -e '.[lab,headless,sign,fairness,security,nlp,dask]' --group test --group check
endif
	@touch $@
