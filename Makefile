# Everything a developer runs. Needs GNU make and Python 3.11 or later; the rest goes into $(VENV).

PYTHON ?= python3
VENV ?= .venv
BACKENDS ?= tensorflow jax torch
# KGAN_TORCH=0 (or TORCH=0) leaves torch out of the environment and of the tests.
TORCH ?= 1
KGAN_TORCH ?= $(TORCH)
# Where the CPU build of torch lies. Used when it answers; otherwise pip's own indexes are.
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
# Processes that share the tests of one backend, with one thread each: their pools of threads would wait for each other,
# which on PyTorch makes a test of two seconds one of a minute.
WORKERS ?= 2
ONE_THREAD := OMP_NUM_THREADS=1 TF_NUM_INTRAOP_THREADS=1
# Tests compile much and compute little: without XLA's passes JAX takes half the time.
QUICK_COMPILATION := JAX_DISABLE_MOST_OPTIMIZATIONS=1
# More arguments for pytest, the demo or the benchmarks: make test ARGS="-k dcgan"
ARGS ?=

ifeq ($(strip $(KGAN_DATA)),)
ifneq ($(wildcard ../shared/data/.),)
KGAN_DATA := $(abspath ../shared/data)
export KGAN_DATA
endif
endif

ifeq ($(KGAN_TORCH),0)
RUN_BACKENDS := $(filter-out torch,$(BACKENDS))
TORCH_STAMP :=
else
RUN_BACKENDS := $(BACKENDS)
TORCH_STAMP := $(VENV)/torch.stamp
endif

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install -q --disable-pip-version-check -c tests/constraints.txt
PACKAGING := Makefile setup.cfg pyproject.toml tests/constraints.txt
# Not the training of the classifier of digits, which would replace the one that ships.
BENCHMARKS ?= $(filter-out benchmarks/train_%.py benchmarks/weight_sets.py benchmarks/pages.py benchmarks/cores.py benchmarks/gpu.py,$(wildcard benchmarks/[a-z]*.py))

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo quick test slow lint format wheel benchmark clean

help: ## list the targets
	@echo "Targets:"
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile
	@echo "Settings: PYTHON=$(PYTHON) VENV=$(VENV) BACKENDS=\"$(BACKENDS)\" KGAN_TORCH=$(KGAN_TORCH) ARGS=\"$(ARGS)\""

demo: $(VENV)/kgan.stamp ## train a small model and write its pictures to runs/demo
	$(BIN)/python tutorials/demo.py --out runs/demo $(ARGS)

# The tests come in tiers, so that the first answer comes soon. The markers `later` and `slow` say what the first leaves
# to the second, and what both leave to `make slow`: see tests/conftest.py.
FIRST := $(firstword $(filter tensorflow,$(RUN_BACKENDS)) $(RUN_BACKENDS))

# $(call tests,BACKEND,MARKERS): pytest ends with 5 where it finds no test. ARGS may ask for tests of another tier, but
# without ARGS an empty tier is a fault of ours.
define tests
	@code=0; \
	KERAS_BACKEND=$(1) TF_CPP_MIN_LOG_LEVEL=2 $(ONE_THREAD) $(QUICK_COMPILATION) \
	    $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup -m "$(2)" $(ARGS) || code=$$?; \
	if [ $$code -eq 5 ] && $(if $(strip $(ARGS)),true,false); then echo "== no such tests on $(1) in this tier"; \
	elif [ $$code -ne 0 ]; then echo "== tests FAILED on $(1)"; exit 1; fi

endef

quick: lint $(VENV)/dev.stamp ## the first answer, within minutes: lint, and a first tier of tests on one backend
	@echo "== tier 1: a model of each kind of game and all parts, on $(FIRST)"
	$(call tests,$(FIRST),not slow and not later)
	@echo "== tier 1 passed on: $(FIRST)"

test: quick $(TORCH_STAMP) ## `make quick`, then the other tests on that backend and all of them on the others
	@echo "== tier 2: all models, examples and commands on $(FIRST)"
	$(call tests,$(FIRST),not slow and later)
	@echo "== tier 2: the other backends: $(filter-out $(FIRST),$(RUN_BACKENDS))"
	$(foreach backend,$(filter-out $(FIRST),$(RUN_BACKENDS)),$(call tests,$(backend),not slow))
	@echo "== tests passed on: $(RUN_BACKENDS)"

# What a model of each kind of game proves of its class is left to PyTorch for all others: it compiles nothing.
SLOW := slow$(if $(filter torch,$(RUN_BACKENDS)), and not of_the_game)

# pytest ends with 5 where it finds no test: an empty tier is no failure.
slow: $(VENV)/dev.stamp $(TORCH_STAMP) ## run the slow tests on TensorFlow, then those of every backend on the others
	@for backend in $(RUN_BACKENDS); do \
	    marked="$(SLOW)"; \
	    if [ $$backend != tensorflow ]; then marked="slow and every_backend"; fi; \
	    echo "== slow tests on $$backend"; \
	    KERAS_BACKEND=$$backend TF_CPP_MIN_LOG_LEVEL=2 $(ONE_THREAD) $(QUICK_COMPILATION) \
	        $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup -m "$$marked" $(ARGS); \
	    code=$$?; \
	    if [ $$code -eq 5 ]; then echo "== no slow tests for $$backend yet"; \
	    elif [ $$code -ne 0 ]; then echo "== slow tests FAILED on $$backend"; exit 1; fi; \
	done

# mypy reads the types of NumPy and Typer, so the whole environment has to be there.
lint: $(VENV)/ruff.stamp $(VENV)/dev.stamp ## check style, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/ruff.stamp ## mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# setuptools would put what an earlier build left there into the wheel.
wheel: $(VENV)/dev.stamp ## build the wheel into dist/
	rm -rf build
	$(BIN)/python -m build --wheel --no-isolation --outdir dist

benchmark: $(VENV)/dev.stamp $(TORCH_STAMP) ## run every benchmark, or one: BENCHMARKS=benchmarks/speed.py
	@test -n "$(strip $(BENCHMARKS))" || echo "== no benchmarks yet"
	@set -e; for script in $(BENCHMARKS); do \
	    echo "== $$script"; \
	    TF_CPP_MIN_LOG_LEVEL=2 $(BIN)/python $$script $(ARGS); \
	done

clean: ## remove the environment, builds and caches; runs/ stays
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache
	find kgan zoo tests tutorials benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment. A stamp newer than the packaging files means: installed.

$(VENV)/venv.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "kgan needs Python 3.11 or later, and $(PYTHON) is $$($(PYTHON) -V 2>&1). Name another: make PYTHON=python3.12"; \
	    exit 1; }
	@echo "== making $(VENV) with $$($(PYTHON) -V)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/kgan.stamp: $(VENV)/venv.stamp $(PACKAGING)
	@echo "== installing kgan into $(VENV) (TensorFlow is large: this can take minutes)"
	@$(PIP) -e .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/venv.stamp $(PACKAGING)
	@echo "== installing kgan[audio,dev,jax,onnx] into $(VENV) (TensorFlow and JAX are large: this can take minutes)"
	@$(PIP) -e '.[audio,dev,jax,onnx]'
	@touch $@ $(VENV)/kgan.stamp

$(VENV)/torch.stamp: $(VENV)/dev.stamp
	@set -e; index=; \
	if $(BIN)/python -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=10)' \
	    $(TORCH_INDEX)/torch/ 2>/dev/null; then index="--extra-index-url $(TORCH_INDEX)"; fi; \
	echo "== installing torch into $(VENV) ($${index:-from the configured indexes: $(TORCH_INDEX) does not answer})"; \
	$(PIP) $$index torch
	@touch $@

$(VENV)/ruff.stamp: $(VENV)/venv.stamp tests/constraints.txt
	@echo "== installing ruff into $(VENV)"
	@$(PIP) ruff
	@touch $@
