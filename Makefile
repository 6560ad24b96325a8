# Needs Python 3.11 to 3.14 and make; everything else goes into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# two workers, each with servers and models of its own; the order of files is that of tests/conftest.py
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --durations 40 --durations-min 10
PIP := $(BIN)/python -m pip --disable-pip-version-check
# what `make setup` installs: extras of pyproject.toml
EXTRAS ?= engines,console
TORCH := torch,chatterbox,demucs,knn-vc,openai-whisper,openvoice,vits

.PHONY: setup dev torch cuda serve test test-fast test-slow check lint-docker format bench upgrade clean
.DELETE_ON_ERROR:

setup: $(VENV)/.installed
dev: $(VENV)/.installed-dev

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15) and "Python 3.11 to 3.14 is needed, and this is %d.%d: make PYTHON=python3.12, say" % sys.version_info[:2])'
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "Python's venv is missing (Debian, Ubuntu: apt install python3-venv)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# misaki says that it is for Python < 3.13, but all that is used of it runs on later ones
$(VENV)/.installed: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) install -c constraints.txt -e '.[$(EXTRAS)]'
	$(if $(findstring engines,$(EXTRAS)),$(PIP) install -c constraints.txt --no-deps --ignore-requires-python misaki,)
	touch $@

# openai-agents declares websockets < 17, but runs on later ones
$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP) install -c constraints.txt -e '.[dev]'
	$(PIP) install -c constraints.txt --no-deps openai-agents
	touch $@

# The engines that run on PyTorch; on a machine with a GPU, or where pip finds no CPU build, gigabytes.
torch: $(VENV)/.installed-torch

$(VENV)/.installed-torch: $(VENV)/.installed-dev
	$(PIP) install -c constraints.txt -e '.[$(TORCH)]'
	touch $@

# The same for a server on NVIDIA cards, without what the tests need; pip's own PyTorch is the one for CUDA.
cuda: $(VENV)/.installed-cuda

$(VENV)/.installed-cuda: $(VENV)/.installed
	$(PIP) install -c constraints.txt -e '.[$(TORCH),cuda]'
	touch $@

# The server, with the weights of the default models.
serve: setup
	$(BIN)/ttsai-server models pull kokoro whisper speakers deepfilternet3 spleeter-2stems
	TTSAI_SERVER__MODELS__PRELOAD='["kokoro"]' $(BIN)/ttsai-server --data-dir data serve

# Half an hour on two cores. Engines that run on PyTorch are tested where `make torch` has installed them.
test: check
	$(PYTEST)

# What needs neither an engine nor another process beside it, such as Postgres: three minutes on two cores. No files of
# engines have to come first here, but those with the most tests.
test-fast: dev
	$(PYTEST) --loadscope-reorder --ignore tests/engines --ignore tests/text/phonemes -m 'not slow and not engine and not service'

# What takes too long for every change.
test-slow: dev
	$(PYTEST) -m slow

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

# The newest release of every package that pyproject.toml admits; test before keeping it. Lines that hold for some
# Pythons only, with a marker after a semicolon, are kept by hand.
upgrade: dev
	$(PIP) install --upgrade --upgrade-strategy eager -e '.[dev,espeak,ja,zh]'
	grep ';' constraints.txt > $(VENV)/by-hand
	sed 's/==.*/==/' $(VENV)/by-hand > $(VENV)/by-hand-names
	$(PIP) freeze --exclude-editable | grep -vFf $(VENV)/by-hand-names | sort -f - $(VENV)/by-hand > $(VENV)/pinned
	cp $(VENV)/pinned constraints.txt

clean:
	rm -rf $(VENV) build dist
