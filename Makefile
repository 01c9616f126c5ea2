# Needs git, python3 and make; everything else goes into .venv and .cache, and may be deleted at any time.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run demo test lint bench chaos soak clean

READY := .venv/.ready
BIN := .venv/bin

# Where it is set, each process compiles every module again, and each worker of the tests every test.
unexport PYTHONDONTWRITEBYTECODE

help:  ## Say what there is
	@sed -n 's/^\([a-z]*\):.*## /make \1 - /p' $(MAKEFILE_LIST) | expand -t 12

run: $(READY)  ## Run the example automation on an agent-server that is started for it
	@$(BIN)/automation run hello --backend embedded

demo: $(READY)  ## Show the bot at work without GitHub: a comment, its run, its check and its page
	@$(BIN)/python -m tests.demo

test: $(READY)  ## Run the tests, against real agent-servers
	@$(BIN)/pytest -n 6 --dist loadgroup

lint: $(READY)  ## Check style, types, layers, shell, the Action, its image and the workflows
	$(BIN)/ruff check src bot tests .ci
	$(BIN)/ruff format --check src bot tests .ci
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/shellcheck src/automation/*/*.sh .ci/run .ci/setup .ci/app-server .ci/chromium .ci/postgresql .ci/image .openhands/automations/*/*.sh
	$(BIN)/zizmor --offline --no-progress --strict-collection .github action.yml
	$(BIN)/actionlint -shellcheck $(BIN)/shellcheck
	$(BIN)/jactionlint --shellcheck=$(BIN)/shellcheck
	$(BIN)/check-jsonschema --builtin-schema vendor.github-actions action.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/hadolint Dockerfile

bench: $(READY)  ## Measure, as ratios to the bare calls in the same run
	@$(BIN)/python -m tests.bench

chaos: $(READY)  ## Kill servers and clients at random, many times
	@CHAOS=1 $(BIN)/pytest -n 4 --dist worksteal -m chaos

soak: $(READY)  ## Let a bot be idle for ten minutes: nothing of it may grow
	@SOAK=1 $(BIN)/pytest -m soak

clean:  ## Remove what set-up made
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# Repeatable: an interrupted set-up is continued, a finished one is known by its stamp.
$(READY): pyproject.toml uv.lock .ci/setup .ci/uv.txt
	@bash .ci/setup
	@touch $@
