# `make` lists the targets. Each does all of its own set-up.

PYTHON ?= python3
MINUTES ?= 60
RESTARTS ?= 1000000
BIN := .venv/bin
INSTALLED := pyproject.toml $(wildcard supervise/programs/* docs/man/*)
TEST_PACKAGES := svc:daemontools keepalived:keepalived ip:iproute2 strace:strace gcc:gcc zsh:zsh fish:fish
BENCH_PACKAGES := svc:daemontools runsvdir:runit s6-svscan:s6 supervisord:supervisor gcc:gcc
BOX_PACKAGES := keepalived:keepalived ip:iproute2 ipvsadm:ipvsadm rsyslogd:rsyslog modprobe:kmod
PEER_PACKAGES := svc:daemontools runsvdir:runit gcc:gcc

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 18

venv: .venv/installed ## build .venv with all programs in .venv/bin

# A venv works where it was made, and with its Python. One that was moved, copied or never finished is made anew; one that
# works is kept, for svscan may run from it.
ifneq ($(file <.venv/installed),$(CURDIR) $(realpath $(BIN)/python3))
REMOVE_VENV := rm -rf .venv
.PHONY: .venv/installed
endif

.venv/installed: $(INSTALLED)
	@$(REMOVE_VENV)
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || keepalived/box/packages no-such-program:python3-venv
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install -q --disable-pip-version-check -e '.[dev]'
	@$(BIN)/pip uninstall -qq -y setuptools # it makes each start of Python import it
	@$(BIN)/python -m compileall -q supervise
	@echo '$(CURDIR)' "$$(readlink -f $(BIN)/python3)" >$@

run: venv ## keepalived under svscan, in namespaces of its own; Ctrl-C ends it
	@exec keepalived/box/run $(BIN)

test: venv ## everything that is tested, in about five minutes
	@keepalived/box/packages $(TEST_PACKAGES)
	-@acceptance/fetch $(CURDIR)/.uml # where that fails, tests/boot skips its boxes
	$(BIN)/python -m pytest -n 4

retest: venv ## only what failed last, one after the other
	$(BIN)/python -m pytest --last-failed --last-failed-no-failures none

acceptance: venv box ## the article replayed with the real IPVS, faults, two directors; five minutes, prints a table
	$(BIN)/python -m pytest acceptance -p no:cacheprovider -o timeout=480

box: # what `acceptance` boots, and what runs in it
	@keepalived/box/packages $(BOX_PACKAGES)
	@acceptance/fetch $(CURDIR)/.uml

versions: venv box ## a short acceptance with each real keepalived that can be fetched; UBUNTU=its-mirror for five more
	@keepalived/box/packages patchelf:patchelf
	@acceptance/versions/fetch .keepalived $(UBUNTU)
	$(BIN)/python -m acceptance.versions .keepalived

check: venv ## ruff and mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: venv ## measure against daemontools, runit, s6 and Supervisor
	@keepalived/box/packages $(BENCH_PACKAGES)
	$(BIN)/python -m bench

soak: venv ## faults of every kind for MINUTES=60, from SEED=n; says what happened where one shows
	@keepalived/box/packages strace:strace gcc:gcc
	$(BIN)/python -m tests.soak --minutes=$(MINUTES) $(if $(SEED),--seed=$(SEED))

soak-life: venv ## a million restarts in one svscan, memory and descriptors looked at 24 times; about 16 minutes
	@keepalived/box/packages strace:strace gcc:gcc
	$(BIN)/python -m tests.soak --restarts=$(RESTARTS)

bench-director: venv box ## kills and restarts of keepalived under supervise, its peers and the floor; 25 minutes
	@keepalived/box/packages $(PEER_PACKAGES)
	@$(CC) -O2 -static -o $(BIN)/floor acceptance/inside/floor.c
	$(BIN)/python -m acceptance.bench

clean: ## remove what was built
	rm -rf .venv .uml .keepalived .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

.PHONY: help venv run test retest acceptance box versions check bench bench-director soak soak-life clean
