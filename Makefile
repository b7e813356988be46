PYTHON ?= python3
VENV ?= .venv
ifeq ($(OS),Windows_NT)
BIN = $(VENV)/Scripts
else
BIN = $(VENV)/bin
endif

.PHONY: run test lint model clean

run: $(VENV)/.installed
	$(BIN)/stance classify examples/balloon.txt -f table

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n auto --dist worksteal

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/mypy

# The shipped model: the reports marked split=test are held back and scored.
model: $(VENV)/.installed
	$(BIN)/stance train training_data --network --start models/start.npz --soften 1.12 --trust 6 --hold-out test --min-pairs 26 -o models/default.stance --licence MIT \
	  --labelled-by "instances of a large language model working to docs/codebook.md; every pair read twice, disagreements settled by a third reading" \
	  --note "The reports are invented in the manner of news prose, not reported news; see training_data/README.md. The network starts from models/start.npz, which has learnt from raw news what sentence encoders say of it and from real news what readers say; see models/README.md."

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check -e .
	@echo done > $@

$(VENV)/.installed-dev: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check -e ".[dev]"
	@echo done > $@
	@echo done > $(VENV)/.installed

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache
