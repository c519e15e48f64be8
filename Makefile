PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# One thread a process: two OpenMP threads beside a busy neighbour are many times slower than one.
export OMP_NUM_THREADS ?= 1
export TOKENIZERS_PARALLELISM ?= false
export HF_HUB_DISABLE_TELEMETRY ?= 1
# Tests run in so many processes at once, those of a file in one, as they share what it has made; `make test WORKERS=0`
# runs all in one, in their order.
WORKERS ?= logical
PARALLEL := --numprocesses $(WORKERS) --maxprocesses 4 --dist loadfile

.PHONY: help install train test test-all test-transformers drill drill-inputs check format bench site image clean

help:  ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

install: $(VENV)/installed  ## install the package with its test and lint tools into .venv

# torch goes first and alone, so that no other package draws a larger build of it in.
$(VENV)/torch:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt torch
	touch $@

$(VENV)/package: $(VENV)/torch pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	touch $@

$(VENV)/installed: $(VENV)/package
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test,lint]'
	touch $@

train: $(VENV)/package  ## install, then run the main job on the embedded corpus (no download)
	$(BIN)/clc-text train recipes/quickstart.yaml --overwrite

test: install  ## the tests that CI runs
	$(BIN)/python -m pytest $(PARALLEL)

test-all: install  ## every test, the slow ones too
	$(BIN)/python -m pytest $(PARALLEL) -m ''

# The trainer replaces private parts of `Trainer`, so it is held against both ends of what pyproject.toml allows.
test-transformers: install  ## the trainer's tests with the oldest and the newest transformers
	for version in "==5.0.0" ">=5.0"; do \
	    $(BIN)/pip install --quiet --disable-pip-version-check --upgrade --target "$(VENV)/transformers$$version" \
	        "transformers$$version" && \
	    PYTHONPATH="$(VENV)/transformers$$version" $(BIN)/python -m pytest $(PARALLEL) tests/training tests/crossfit tests/models tests/text/networks || exit; \
	done

drill-inputs: install  ## COUNT bad inputs drawn by SEED: each is taken or refused in a sentence
	$(BIN)/python tests/drills/inputs.py --seed $(or $(SEED),1) --count $(or $(COUNT),1000)

drill: install  ## COUNT kills at moments drawn by SEED, and as many damaged files: each is gone on with or told
	$(BIN)/python tests/drills/kills.py --seed $(or $(SEED),0) --count $(or $(COUNT),200)
	$(BIN)/python tests/drills/damages.py --seed $(or $(SEED),0) --count $(or $(COUNT),200)

check: install  ## lint and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: install  ## put every file into the project's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

site: $(VENV)/package  ## the pages and the reference of the public names as a site, in build/site
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[docs]'
	rm -rf build/pages && mkdir -p build/pages
	git ls-files '*.md' '*.png' 'clc_text/*.py' tests/test_layers.py CITATION.cff LICENSE | tar -cf - -T - | tar -xf - -C build/pages
	$(BIN)/mkdocs build --strict --quiet

image:  ## the command in a container, by Docker
	docker build --tag clc-text .

bench: $(VENV)/package  ## training speed, beside the stock Trainer and plain loops
	$(BIN)/python -m benchmarks.training_speed --threads $(OMP_NUM_THREADS)

clean:  ## remove what make made
	rm -rf $(VENV) runs build dist
