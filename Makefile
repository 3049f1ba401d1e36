PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: install demo test test-all check bench pages docs clean

# One environment for everything; made again only when the dependencies change.
install: $(VENV)/.installed
$(VENV)/.installed: setup.cfg pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --editable ".[dev]"
	touch $@

# The main job on the embedded default: phantom radiographs, no data and no download needed.
demo: install
	$(BIN)/indomain run quickstart

# INDOMAIN_DATA names the folder of real images for the tests marked `real` (default: ../shared/data, if it is there).
test: install
	$(BIN)/python -m pytest -n 2 --dist worksteal

# Those marked `weekly`, too: whole recipes on real images, in minutes.
test-all: install
	$(BIN)/python -m pytest -n 2 --dist worksteal -m ""

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m benchmarks.pages --check

# The committed results as pages: results/README.md, and the marked places of README.md and docs/.
pages: install
	$(BIN)/python -m benchmarks.pages

# The documentation as a site, its notebook run; every warning is an error.
docs: install
	$(BIN)/python -m sphinx --fail-on-warning --keep-going -c docs . build/docs

# PyTorch serves one benchmark only and has an environment of its own, with the build for CPUs.
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
$(VENV)-torch/.installed:
	test -x $(VENV)-torch/bin/python || $(PYTHON) -m venv $(VENV)-torch
	$(VENV)-torch/bin/pip install --quiet --extra-index-url $(TORCH_INDEX) torch==2.13.0 numpy
	touch $@

bench: install $(VENV)-torch/.installed
	$(BIN)/python -m benchmarks

clean:
	rm -rf build dist *.egg-info runs .pytest_cache .ruff_cache .mypy_cache
