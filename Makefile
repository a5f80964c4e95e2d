# From a fresh clone: "make demo" shows what Syncline does, "make test" checks all of it.
# Both set up what they need first; "make help" lists the rest.

SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/stamps
STEP := scripts/step.sh
PYTHON_SOURCES := python tests benchmarks scripts
MUTANT := target/mutant/syncline-mutant

RUST_SOURCES := Cargo.toml Cargo.lock engine/Cargo.toml binding/Cargo.toml \
	$(shell find engine/src binding/src -name '*.rs')
EXTENSION := $(wildcard python/syncline/_engine*.so)

# One interpreter for every build of the binding, or each would rebuild the last one's work.
export PYO3_PYTHON := $(abspath $(BIN)/python)

.PHONY: help setup demo test lint lint-python lint-rust test-rust test-python test-matrix format lock \
	reference docs mutants system bench bench-engine bench-timing bench-probe bench-resume bench-stats bench-capacity bench-diagnosis bench-merge bench-scaling soak clean FORCE

help: ## list what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | awk -F '\t' '{printf "  make %-14s %s\n", $$1, $$2}'

setup: $(STAMPS)/extension ## make .venv: locked dependencies, the engine built for release

demo: setup ## load-test a real service on a real PostgreSQL, as sync and as async (3 minutes)
	$(BIN)/syncline run users

# --- set-up: each step leaves a stamp in .venv, so that a second make is instant -------------

$(STAMPS)/venv:
	@scripts/check-tools.sh
	@python=$$(scripts/find-python.sh) && echo "Making .venv with $$python" && \
		"$$python" -m venv $(VENV)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/requirements: requirements/dev.txt $(STAMPS)/venv
	@echo "Installing the locked dependencies"
	@$(BIN)/python -m pip --disable-pip-version-check install --quiet --require-hashes -r $<
	@touch $@

$(STAMPS)/extension: $(STAMPS)/requirements $(RUST_SOURCES) pyproject.toml $(if $(EXTENSION),,FORCE)
	@echo "Building the load engine for release"
	@PIP_QUIET=1 $(BIN)/maturin develop --release --quiet
	@touch $@

$(STAMPS)/system-%: scripts/setup-system.sh $(STAMPS)/venv
	@scripts/setup-system.sh $*
	@touch $@

mutants: $(MUTANT) ## build the engine with deliberate faults, which the calibration tests must catch

$(MUTANT): $(RUST_SOURCES)
	cargo build --quiet --locked --profile mutant -p syncline-engine --features mutants --bin syncline-mutant
	@touch $@

system: $(STAMPS)/system-test $(STAMPS)/system-bench $(STAMPS)/system-browser ## install the servers, load generators and browser that tests and benchmarks use

# --- checks ---------------------------------------------------------------------------------

# Unit tests run on all cores; the others measure, and have the machine for themselves.
test: setup ## every check and test that CI runs (under 20 minutes)
	@$(MAKE) lint
	@$(MAKE) test-rust
	@$(MAKE) test-python

lint: setup ## formatting, lint, types and layers, Python and Rust side by side
	@$(MAKE) --jobs=2 --output-sync=target lint-python lint-rust

lint-python: setup
	@$(STEP) "ruff format" $(BIN)/ruff format --check $(PYTHON_SOURCES)
	@$(STEP) "ruff check" $(BIN)/ruff check $(PYTHON_SOURCES)
	@$(STEP) "mypy --strict" $(BIN)/mypy
	@$(STEP) "layers" $(BIN)/python -m pytest -q tests/unit/test_layers.py

lint-rust:
	@$(STEP) "rustfmt" cargo fmt --all --check
	@$(STEP) "clippy" cargo clippy --quiet --locked --workspace --all-targets --all-features -- -D warnings

test-rust: setup
	@$(STEP) "cargo test" cargo test --quiet --locked -p syncline-engine

test-python: setup $(STAMPS)/system-test $(STAMPS)/system-browser
	@$(STEP) "the engine's mutants" $(MAKE) mutants
	@printf '\n━━ pytest: unit\n'
	@$(BIN)/python -m pytest -q --numprocesses=auto --maxprocesses=8 tests/unit
	@printf '\n━━ pytest: integration, calibration\n'
	@$(BIN)/python -m pytest --durations=25 -m "not matrix" tests/integration tests/calibration

test-matrix: setup $(STAMPS)/system-test ## every pair of framework and server that is tried (2 minutes)
	@$(BIN)/python -m pytest --durations=5 tests/integration/test_frameworks.py

format: setup ## rewrite the sources in the house format
	$(BIN)/ruff check --fix $(PYTHON_SOURCES)
	$(BIN)/ruff format $(PYTHON_SOURCES)
	cargo fmt --all

# --- documents ------------------------------------------------------------------------------

reference: setup ## write the references in docs/ that come from the code; commit them
	@$(BIN)/python -m scripts.reference

docs: $(STAMPS)/docs ## the documents as a site in site/, every link checked
	@NO_MKDOCS_2_WARNING=1 $(STEP) "mkdocs build --strict" $(BIN)/mkdocs build --strict --quiet
	@echo "Read it: $(BIN)/python -m http.server --directory site --bind 127.0.0.1"

$(STAMPS)/docs: requirements/docs.txt $(STAMPS)/requirements
	@echo "Installing what builds the documents"
	@$(BIN)/python -m pip --disable-pip-version-check install --quiet --require-hashes -r $<
	@touch $@

lock: setup ## compile the lock files again after a dependency changed
	scripts/lock.sh

# --- benchmarks -----------------------------------------------------------------------------

bench: bench-engine bench-timing ## both benchmarks; results go to benchmarks/results/

bench-engine: setup $(STAMPS)/system-bench ## CPU per request against wrk, ab and h2load (ARGS=--quick)
	$(BIN)/python -m benchmarks.engine $(ARGS)

bench-timing: setup ## what is reported against what is true, at given rates
	$(BIN)/python -m benchmarks.timing $(ARGS)

soak: setup ## ten minutes at full speed: the engine's memory must stay flat
	$(BIN)/python -m benchmarks.soak $(ARGS)

bench-resume: setup ## kill runs at random moments, take them up again, count what is lost
	$(BIN)/python -m benchmarks.kill_resume $(ARGS)

bench-probe: setup ## what the probe costs a service, with and without it at once
	$(BIN)/python -m benchmarks.probe $(ARGS)

bench-stats: setup ## coverage of intervals, a service against itself, known differences (10 minutes)
	$(BIN)/python -m benchmarks.stats $(ARGS)

bench-capacity: setup ## the capacity that is found, against a fine sweep, three times (25 minutes)
	$(BIN)/python -m benchmarks.capacity $(ARGS)

bench-diagnosis: setup ## the cause named for each service with a known fault, and for its twin (ARGS="--runs 1")
	$(BIN)/python -m benchmarks.diagnosis $(ARGS)

bench-merge: setup ## time and memory of merging what 1,000 agents recorded in ten minutes
	$(BIN)/python -m benchmarks.merge $(ARGS)

bench-scaling: setup ## what a second thread of the engine, and a second agent, adds
	$(BIN)/python -m benchmarks.scaling $(ARGS)

clean: ## remove what was built: .venv, target, caches
	rm -rf $(VENV) target build dist site .mypy_cache .ruff_cache .pytest_cache
	rm -f python/syncline/_engine*.so
	find $(PYTHON_SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +
