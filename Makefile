# The commands of the project; each sets up what it needs.
PYTHON ?= python3
VENV := .venv
BENCH_VENV := .venv-bench
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable

.PHONY: help run train ui ui-bench test test-rest test-all lint format docs example method-example bench equivalence sanitize kills fuzz mutants soak pilot study reproduction statistics thresholds calibration budget-floor duplicates diagnose-table interop clean

help:             ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 16

run: $(VENV)/.run ## the notebook's question: does batch norm, or dropout, help? (about ten minutes)
	@$(BIN)/overfitlab compare --protocol quick $(ARGS)

train: $(VENV)/.run ## the notebook's own job: train its network, and draw the learning curves
	@$(BIN)/overfitlab train $(ARGS)

ui: $(VENV)/.ui ## watch studies in a browser, start and stop them
	@$(BIN)/overfitlab ui $(ARGS)

ui-bench: $(VENV)/.test ## how quick the page is, in Chromium (about three minutes; leave the machine alone)
	@$(BIN)/python benchmarks/ui.py $(ARGS)

# The tests start hundreds of Pythons, and none of them shall compile what the first one did.
unexport PYTHONDONTWRITEBYTECODE

PYTEST := $(BIN)/python -m pytest --numprocesses 2 --dist worksteal
test: $(VENV)/.test ## the tests of every room that are quick, in two processes (two to four minutes)
	@$(PYTEST) -m "not slow" $(ARGS)

test-rest: $(VENV)/.test ## the others: whole studies, kills, full disks, real CIFAR-10 (twelve minutes to half an hour)
	@$(PYTEST) -m slow $(ARGS)

test-all: $(VENV)/.test ## all of them
	@$(PYTEST) $(ARGS)

lint: $(VENV)/.lint ## ruff and mypy
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

format: $(VENV)/.lint ## let ruff mend what it can
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

docs: $(VENV)/.run ## regenerate the pages that are made from the code
	@$(BIN)/python docs/generate.py

bench: $(VENV)/.run $(BENCH_VENV)/.ready ## speed, beside Keras and plain PyTorch (about 40 minutes; leave the machine alone)
	@$(BIN)/python benchmarks/speed.py --peer-python $(BENCH_VENV)/bin/python $(ARGS)

equivalence: $(VENV)/.run ## does the fast path learn as well as plain PyTorch in float32? (48 runs: about half an hour)
	@$(BIN)/python benchmarks/equivalence.py $(ARGS)

SANITIZED := build/sanitized
SANITIZERS := -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
sanitize: $(VENV)/.test ## the kernels' tests under the address and undefined-behaviour sanitizers (needs GCC)
	@rm -rf $(SANITIZED) && mkdir -p $(SANITIZED) && cp -r src pyproject.toml LICENSE $(SANITIZED) && touch $(SANITIZED)/README.md
	@rm -f $(SANITIZED)/src/overfitlab/kernels/_native*
	@cd $(SANITIZED) && CC=gcc CFLAGS="$(SANITIZERS)" $(abspath $(BIN))/python -W ignore -c 'import setuptools; setuptools.setup()' \
	  --quiet build_ext --inplace
	@LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libstdc++.so)" ASAN_OPTIONS=detect_leaks=0 \
	  PYTHONPATH=$(SANITIZED)/src \
	  $(BIN)/python -m pytest -q -p no:cacheprovider tests/kernels

KILLS ?= 50
kills: $(VENV)/.test ## kill a run of each method, and a study, at random moments, again and again (about half an hour)
	@OVERFITLAB_KILLS=$(KILLS) $(BIN)/python -m pytest -q --numprocesses 2 --dist worksteal tests/reliability/test_kills.py $(ARGS)

fuzz: $(VENV)/.fuzz ## throw bytes at everything that reads files of strangers (Linux; ten minutes for each of nine)
	@$(BIN)/python reliability/fuzz.py $(ARGS)

mutants: $(VENV)/.test ## take away each of the critical few, and see that a test notices (about half an hour)
	@$(BIN)/python reliability/mutants.py $(ARGS)

soak: $(VENV)/.run ## two hours of kills, full disks and onlookers on studies of the digits (Linux)
	@$(BIN)/python reliability/soak.py $(ARGS)

NOTEBOOK_LOG ?= ../shared/notebook/history.csv
reproduction: $(VENV)/.run ## the notebook's log beside ours (5 runs of 30 epochs: about an hour)
	@$(BIN)/python benchmarks/reproduction.py --notebook-log $(NOTEBOOK_LOG) $(ARGS)

EXAMPLE := runs/photographs
example: $(VENV)/.run ## a folder of photographs: train, evaluate, predict, explain (about a minute)
	@$(BIN)/python examples/photographs.py $(EXAMPLE) $(ARGS)

PACKAGE_EXAMPLE := examples/overfitlab-grayscale
method-example: $(VENV)/.test ## a package with a method of its own: install it aside, test it, train with it
	@rm -rf build/method-example
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --target build/method-example ./$(PACKAGE_EXAMPLE)
	@PYTHONPATH=build/method-example $(BIN)/python -m pytest -q -p no:cacheprovider $(PACKAGE_EXAMPLE)
	@PYTHONPATH=build/method-example $(BIN)/overfitlab methods grayscale
	@PYTHONPATH=build/method-example $(BIN)/overfitlab train --method grayscale:probability=0.3+batch_norm --data digits \
	  --protocol quick --threads 1 --out build/method-example/run

pilot: $(VENV)/.run ## choose the defaults anew on CIFAR-10 (docs/defaults.md; some hours)
	@$(BIN)/python benchmarks/pilot.py $(ARGS)

study: $(VENV)/.run ## the published study, on CIFAR-10 (docs/studies/; an afternoon: three to five hours)
	@$(BIN)/python benchmarks/published_study.py $(ARGS)

statistics: $(VENV)/.run ## simulate the verdict's procedure (docs/statistics.md; some minutes)
	@$(BIN)/python benchmarks/verdict_simulation.py $(ARGS)

calibration: $(VENV)/.run ## try the verdict's procedure on real trainings whose truth is known (docs/statistics.md; two to three hours)
	@$(BIN)/python benchmarks/calibration.py $(ARGS)

thresholds: $(VENV)/.run ## simulate how often evidence reaches a value by chance (src/overfitlab/stats/maxima.csv; some minutes)
	@$(BIN)/python benchmarks/thresholds.py $(ARGS)

budget-floor: $(VENV)/.run ## how little training still shows overfitting, on CIFAR-10 (docs/study.md; some minutes)
	@$(BIN)/python benchmarks/budget_floor.py $(ARGS)

duplicates: $(VENV)/.run ## near-duplicates in CIFAR-10 (docs/data.md)
	@$(BIN)/python benchmarks/near_duplicates.py $(ARGS)

diagnose-table: $(VENV)/.run ## what `diagnose` says of curves whose truth is known (docs/diagnose.md; a minute)
	@$(BIN)/python benchmarks/diagnose_table.py $(ARGS)

INTEROP_VENV := .venv-interop
interop: $(INTEROP_VENV)/.ready ## make the logs again that tests read, each by the program itself (tests/interop/logs)
	@$(INTEROP_VENV)/bin/python tests/interop/make_logs.py $(ARGS)

clean:            ## remove the environments (runs/ stays)
	rm -rf $(VENV) $(BENCH_VENV) $(INTEROP_VENV) build src/*.egg-info

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "overfitlab needs Python 3.11 or newer; name one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "Setting up $(VENV) with $(PYTHON) (once; a few minutes where PyTorch has to be downloaded) ..." >&2
	@$(PYTHON) -m venv $(VENV)
	@touch $@

KERNELS := $(wildcard src/overfitlab/kernels/native/*)
$(VENV)/.run: $(VENV)/.python pyproject.toml constraints.txt $(KERNELS)
	@$(PIP_INSTALL) .
	@touch $@

$(VENV)/.ui: $(VENV)/.run
	@$(PIP_INSTALL) '.[ui]'
	@touch $@

$(VENV)/.test: $(VENV)/.run
	@$(PIP_INSTALL) '.[test]'
	@touch $@

$(VENV)/.fuzz: $(VENV)/.test
	@$(PIP_INSTALL) '.[fuzz]'
	@touch $@

$(VENV)/.lint: $(VENV)/.ui
	@$(PIP_INSTALL) '.[lint]'
	@touch $@

$(BENCH_VENV)/.ready: benchmarks/requirements.txt
	@$(PYTHON) -m venv $(BENCH_VENV)
	@$(BENCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --requirement benchmarks/requirements.txt
	@touch $@

$(INTEROP_VENV)/.ready: tests/interop/requirements.txt
	@$(PYTHON) -m venv $(INTEROP_VENV)
	@$(INTEROP_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --requirement tests/interop/requirements.txt
	@# fastai brings a torchvision that may not fit a PyTorch without CUDA, and others then fail to import it; none needs it.
	@$(INTEROP_VENV)/bin/python -m pip uninstall --quiet --yes torchvision
	@touch $@
