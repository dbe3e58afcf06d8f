# The two commands to know: `make demo` and `make run`. Each sets up everything it needs, under .cache/.
# Another Python: make PYTHON=/usr/bin/python3.12 demo. Other ports: make WEB_PORT=8001 SANDBOX_PORT=8090 run.
SHELL = bash
.SHELLFLAGS = -o pipefail -ec
.SILENT:
export PYTHONDONTWRITEBYTECODE ?= 1

PYTHON = python3
VENV = .cache/venv
BENCH =
TEST_PROCESSES = 3
PROPERTIES = leads/tests/test_phones.py $(addprefix notifications/tests/test_,receipt_properties.py webhook_fuzz.py)

# With the venv's Python, in the place of the shell; ended when make is killed (Linux).
TIED := $(if $(shell command -v setpriv),setpriv --pdeathsig=TERM --)
RUN = exec $(TIED) $(VENV)/bin/python

help:
	echo 'make demo          play three leads on real parts (40 s; a minute from a bare checkout)'
	echo 'make run           serve on this machine until Ctrl-C'
	echo 'make test          run the tests'
	echo 'make test-browser  run the tests that need Chromium'
	echo 'make test-api      send the API whatever its description allows, and what it does not'
	echo 'make faults        all faults, three seeds of chaos, thorough properties (15 minutes); also faults-ablation, faults-realtime'
	echo 'make bench         measure the speed beside what it could be (13 minutes; make bench BENCH=--quick: a smoke run)'
	echo 'make bench-rows    what takes longer: second attempts, memory, the desk at a million leads (20 minutes)'
	echo 'make bench-docs    write docs/performance.md from what the last one measured'
	echo 'make lint          check the code'
	echo 'make check-alerts  check the rules for Prometheus, with its promtool'
	echo 'make format        format the code'
	echo 'make pins          write requirements*.txt from requirements*.in (newer releases: make pins UPGRADE=--upgrade)'
	echo 'make check-pins    fail when they disagree'

demo: set-up
	$(RUN) -m dev.demo

run: set-up
	$(RUN) -m dev.run

test test-browser faults: export PYTHONDONTWRITEBYTECODE =# hundreds of processes would compile the same again
test: set-up
	$(RUN) -m pytest -n $(TEST_PROCESSES) --dist worksteal -m 'not faults_full'

test-browser: set-up
	command -v chromium >/dev/null || $(call fail,Chromium is missing: install it (Debian: apt-get install chromium) and try again)
	$(LOCKED) $(VENV)/browser
	$(RUN) -m pytest desk/tests/browser*.py leads/tests/browser.py

test-api: set-up
	$(LOCKED) $(VENV)/api
	$(RUN) -m pytest leads/tests/api_fuzz.py

faults: set-up
	$(RUN) -m pytest faults -n 2
	$(RUN) -m pytest $(PROPERTIES) -n 2 --hypothesis-profile thorough

faults-ablation: set-up
	$(RUN) -m faults.ablation

faults-realtime: set-up
	$(RUN) -m faults.realtime

bench: set-up
	$(LOCKED) $(VENV)-bench/installed
	$(RUN) -m bench $(BENCH)

bench-rows: set-up
	$(LOCKED) $(VENV)-bench/installed
	$(RUN) -m bench --long --json .cache/bench-rows.json $(BENCH)

bench-docs:
	test -f .cache/bench.json || $(call fail,nothing was measured yet: run `make bench` first)
	$(VENV)-bench/bin/python -m bench.document .cache/bench.json $(wildcard .cache/bench-rows.json)

lint: set-up
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

check-alerts:
	command -v promtool >/dev/null || $(call fail,promtool is missing: install it (Debian: apt-get install prometheus) and try again)
	promtool check config --syntax-only deploy/prometheus/scrape.yml
	promtool check rules deploy/prometheus/alerts.yml

format: set-up
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

# --- Pins: what a .in file asks for, with every package that comes along and its hashes, for Python 3.11.0 and newer.
# The pins that are there stay as long as the .in files allow.

PINNED = requirements requirements-dev requirements-browser requirements-api requirements-bench requirements-pins
PINS_IN = .
UPGRADE =
COMPILE = '$(CURDIR)/$(VENV)/bin/uv' pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --custom-compile-command 'make pins' $(UPGRADE)

pins: set-up
	$(LOCKED) $(VENV)/pins
	cd $(PINS_IN); for name in $(PINNED); do $(COMPILE) $$name.in --output-file $$name.txt; done

check-pins:
	rm -rf .cache/pins; mkdir -p .cache/pins; cp requirements*.in requirements*.txt .cache/pins
	$(MAKE) --no-print-directory pins PINS_IN=.cache/pins
	for name in $(PINNED); do cmp -s $$name.txt .cache/pins/$$name.txt \
		|| { diff $$name.txt .cache/pins/$$name.txt | grep == || true; \
		$(call fail,pins and .in files disagree: run `make pins` and commit what it writes) }; done

# --- Set-up: a venv with the pinned packages. Its stamp is written last and names the Python's version, so what was
# interrupted, has other pins or another Python is made anew. One at a time in this folder; who waited looks again.

fail = { echo 'Error: $(1).' >&2; exit 1; }
VERSION := $(shell '$(PYTHON)' -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
INSTALLED = $(VENV)/installed-$(VERSION)
LOCKED = $(if $(shell command -v flock),flock .cache/set-up.lock) $(MAKE) --silent --no-print-directory
PIP = $(VENV)/bin/python -m pip install --no-input --progress-bar off --disable-pip-version-check
PROGRESS = sed -n -e 's/^Collecting \([^ ;]*\).*/  \1/p' -e 's/^Installing collected.*/  unpacking …/p' \
	-e 's/^WARNING: Retrying.*/  the package index does not answer, trying again …/p' -e '/^ERROR/,$$p'
NEEDED = it takes a network, an index that pip knows, 500 MB of disk and the right to write in .cache: try again with these

set-up:
	command -v '$(PYTHON)' >/dev/null \
		|| $(call fail,$(PYTHON) is missing: install Python 3.11 or newer (Debian: apt-get install python3))
	'$(PYTHON)' -c 'import sys; sys.exit(sys.version_info < (3, 11))' || $(call fail,Python $(VERSION) is too old: \
		install Python 3.11 or newer or name it as in `make demo PYTHON=/usr/bin/python3.12`)
	'$(PYTHON)' -c 'import ensurepip, venv' 2>/dev/null \
		|| $(call fail,this Python has no `venv` module: install it (Debian: apt-get install python3-venv))
	mkdir -p .cache && test -w .cache \
		|| $(call fail,.cache is not writable for you: give yourself the right to it or work in a copy of your own)
	$(if $(shell command -v flock),flock --nonblock .cache/set-up.lock true || echo 'Waiting for another set-up …')
	$(LOCKED) $(INSTALLED)

$(INSTALLED): requirements-dev.txt $(VENV)/bin/python
	echo 'Making the virtual environment $(VENV) …'
	'$(PYTHON)' -m venv --clear $(VENV) || $(call fail,the virtual environment could not be made (why: above): $(NEEDED))
	echo 'Installing the pinned packages (about 60 MB to download, once) …'
	$(PIP) -r $< 2>&1 | $(PROGRESS) || $(call fail,the packages could not be installed (why: above): $(NEEDED))
	touch $@
	echo 'Installed.'

$(VENV)/bin/python:

# Apart from the product, whose packages stay as they are pinned.
$(VENV)-bench/installed: requirements-bench.txt $(INSTALLED)
	echo 'Installing what the bench compares with …'
	'$(PYTHON)' -m venv --clear $(@D)
	$(@D)/bin/python -m pip install --no-input --progress-bar off --disable-pip-version-check -r $< 2>&1 | $(PROGRESS) \
		|| $(call fail,the packages could not be installed (why: above): $(NEEDED))
	touch $@

$(VENV)/browser $(VENV)/api $(VENV)/pins: $(VENV)/%: requirements-%.txt $(INSTALLED)
	$(PIP) -r $< 2>&1 | $(PROGRESS) || $(call fail,the packages could not be installed (why: above): $(NEEDED))
	touch $@

.PHONY: help demo run test test-browser test-api faults faults-ablation faults-realtime bench bench-rows bench-docs lint check-alerts format pins check-pins set-up
