# Needs Python 3.11 or newer and make; everything else goes into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: setup dev serve test check lint-docker format bench upgrade clean
.DELETE_ON_ERROR:

setup: $(VENV)/.installed
dev: $(VENV)/.installed-dev

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) install -c constraints.txt -e .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP) install -c constraints.txt -e '.[dev,postgres,redis,s3]'
	touch $@

# The server, with the weights of the default models.
serve: setup
	$(BIN)/ttsai-server models pull kokoro whisper speakers deepfilternet3
	TTSAI_SERVER__MODELS__PRELOAD='["kokoro"]' $(BIN)/ttsai-server --data-dir data serve

test: check
	$(BIN)/python -m pytest

check: dev lint-docker
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/lint-imports
	$(BIN)/pyright --pythonpath $(BIN)/python

lint-docker: dev
	$(BIN)/hadolint docker/Dockerfile

format: dev
	$(BIN)/ruff format src tests benchmarks
	$(BIN)/ruff check --fix src tests benchmarks

bench: dev
	$(BIN)/python -m benchmarks

# The newest release of every package that pyproject.toml admits; test before keeping it.
upgrade: dev
	$(PIP) install --upgrade --upgrade-strategy eager -e '.[dev,espeak,ja,postgres,redis,s3,zh]'
	$(PIP) freeze --exclude-editable > constraints.txt

clean:
	rm -rf $(VENV) build dist
