# make demo: generate digits with a built-in model, and train one.   make test: lint, types, all tests.
# make check: lint and types.   make quick: the tests of the modules that differ from main.
# make fast: all tests but those that start processes of their own.
# make fuzz: the tests that try made-up inputs, with new ones each time, and more induced failures.
# Each sets up .venv on its first call, with one pip install each.

PYTHON ?= python3
BIN := .venv/bin
MINUTES ?= 2.5
# compiled tests are kept even where the shell says otherwise: each worker needs seconds for them
export PYTHONDONTWRITEBYTECODE =

.PHONY: demo test check lint types tests quick fast fuzz format engine clean

demo: .venv/ready
	$(BIN)/dcgan sample mnist-demo --each-class --out runs/mnist-demo.png
	$(BIN)/dcgan train digits --size 32 --minutes $(MINUTES) --out runs/demo

test: lint types tests

check: lint types

lint: .venv/ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/ready-dev
	MYPY_NUM_WORKERS=auto $(BIN)/mypy

# one thread of torch each: two processes with two threads would fight over two cores
tests: .venv/ready-dev
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto

quick: .venv/ready-dev
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto -m "not slow" $$($(BIN)/python tests/changed.py)

# DCGAN_BF16=native make fast: as on a processor that multiplies bf16 itself
fast: .venv/ready-dev
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto -m "not slow"

fuzz: .venv/ready-dev
	OMP_NUM_THREADS=1 DCGAN_FUZZ=1 $(BIN)/pytest -n auto -m hypothesis
	OMP_NUM_THREADS=1 DCGAN_FUZZ=1 $(BIN)/pytest -n auto tests/faults/test_health.py

format: .venv/ready-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# the engine of the web export, after a change of engine.ts; needs Node.js
engine:
	cd src/dcgan/exchange/web/static && npx --yes --package assemblyscript@0.28.20 asc

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.venv/ready: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	touch $@

.venv/ready-dev: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[all,dev]"
	touch $@ .venv/ready
