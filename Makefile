# Every target makes .venv when it is missing or older than the pinned set; a second call goes straight to work.
PYTHON ?= python3
ifeq ($(OS),Windows_NT)
BIN := .venv/Scripts
else
BIN := .venv/bin
endif
READY := .venv/.installed
JOBS ?= 2
TESTS := OMP_NUM_THREADS=1 CVGEN_PROFILE=smoke $(BIN)/pytest -n $(JOBS) --dist loadgroup --no-loadscope-reorder \
  --nbval-lax --nbval-kernel-name python3 $(if $(CHAPTER),--chapter $(CHAPTER)) tests benchmarks solutions

.PHONY: demo test ci bench book release lint lock clean

demo: $(READY)  ## a class of eight submissions, graded, with its report and a page of the book
	$(BIN)/cvgen demo

test: $(READY) lint  ## what must hold, fast tests first; CHAPTER=detection: its own; JOBS=4: processes; ALL=1: unchanged ones, too
	$(TESTS) $(if $(ALL),,--changed)

ci: $(READY) lint  ## everything, nothing of it taken from an earlier run; then the book in profile smoke
	executed=$$(mktemp -d) && trap 'rm -rf "$$executed"' EXIT && export CVGEN_EXECUTED="$$executed" && \
	  $(TESTS) $(if $(filter-out common,$(CHAPTER)),,&& CVGEN_PROFILE=smoke $(BIN)/cvgen book)

bench: $(READY)  ## times and memory, into benchmarks/results.json
	$(BIN)/pytest benchmarks -q --benchmark-enable --benchmark-quiet --benchmark-json=benchmarks/results.json.part

book: $(READY)  ## the Jupyter Book, in jupyter_book/_build/html
	$(BIN)/cvgen book

release: $(READY)  ## lectures/ from solutions/
	$(BIN)/cvgen release

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || \
	  { echo "python3 -m venv failed; on Debian and Ubuntu: apt install python3-venv"; rm -rf .venv; exit 1; }
	@echo "Installing the pinned packages into .venv (a few minutes, once) ..."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $(READY)

# Needs `pip install uv`. torch and torchvision are released as pairs: name the pair that was tested.
TORCH_PAIR ?= torch==2.14.1 torchvision==0.29.1
lock:
	@printf '%s\n' $(TORCH_PAIR) > .torch-pair
	uv pip compile pyproject.toml -c .torch-pair --all-extras --universal --python-version 3.11 \
	  --no-emit-index-url --no-emit-find-links --no-annotate --no-header --quiet -o .lock
	@{ head -2 requirements.lock; cat .lock; } > .lock.new && mv .lock.new requirements.lock && rm .lock .torch-pair

clean:  ## what was built; never a submission or a mark
	rm -rf jupyter_book/_build .pytest_cache .ruff_cache .mypy_cache
