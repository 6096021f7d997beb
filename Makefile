# `make demo` and `make test` are all the set-up a new machine needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCK := uv pip compile --generate-hashes --no-emit-index-url --universal --python-version 3.11 --no-header --no-annotate

.PHONY: demo test lint types contracts tests lock clean

demo: $(VENV)/runtime.stamp
	$(BIN)/pseudodont demo

test: lint types contracts tests

lint: $(VENV)/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/test.stamp
	$(BIN)/mypy
	$(BIN)/pyright

contracts: $(VENV)/test.stamp
	$(BIN)/lint-imports

tests: $(VENV)/test.stamp
	$(BIN)/pytest -n auto

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "pseudodont needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/runtime.stamp: requirements/runtime.txt pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --require-hashes -r requirements/runtime.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/test.stamp: requirements/test.txt $(VENV)/runtime.stamp
	$(BIN)/pip install --quiet --require-hashes -r requirements/test.txt
	touch $@

# For maintainers; needs uv.
lock:
	$(LOCK) pyproject.toml --extra server --group build -o requirements/runtime.txt
	$(LOCK) pyproject.toml --extra server --group test -c requirements/runtime.txt -o requirements/test.txt

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
