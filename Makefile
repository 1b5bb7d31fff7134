# `make help` lists the targets.
VENV := .venv
PY := $(VENV)/bin/python
BABEL := $(VENV)/bin/pybabel
ERRORS := PpiError SettingsError InputError UnsupportedMedia UploadTooLarge AnnotationError DatasetError \
  WeightsMissing NotFound NotLoggedIn AccessDenied CsrfFailed Conflict QuotaExceeded TooManyTries Cancelled LeaseLost \
  ToolFailed DiskFull BackendError ServerAway Unexpected
KEYWORDS := $(foreach name,$(ERRORS),-k $(name)) -k step:2 -k Finding:4 -k fault:2 -k by_count:2,3 -k in_place_of -k translatable

.PHONY: help bench run setup speakers seed test test-slow lint translations screenshots guide vendor apt clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

run: setup seed  ## set up, put the sample lesson through the pipeline once, serve on http://127.0.0.1:5000
	$(PY) -m ppi serve

RUSSIAN := ppi/translations/ru/LC_MESSAGES/messages

setup: $(VENV)/.ready $(RUSSIAN).mo  ## make .venv with everything PPI needs

$(VENV)/.ready: requirements.txt
	test -x $(PY) || python3 -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(PY) -m ppi.seed --check-ffmpeg
	touch $@

$(RUSSIAN).mo: $(RUSSIAN).po $(VENV)/.ready
	$(BABEL) --quiet compile --directory ppi/translations --domain messages

$(VENV)/.ready-dev: requirements-dev.txt requirements-speakers.txt requirements-aligner.txt $(VENV)/.ready
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

speakers: setup  ## install what tells speakers apart, an extra
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-speakers.txt
	$(PY) -m ppi models fetch speakers

seed: setup  ## make the data folder, an admin account and the sample lesson, unless they are there
	$(PY) -m ppi.seed

apt:
	@sh tests/install-programs.sh

# Tests start hundreds of processes: they read the compiled code that the first one leaves behind.
test test-slow: export PYTHONDONTWRITEBYTECODE :=

# Four for two cores: tests often wait, for a server, a browser or a child process.
test: apt setup $(VENV)/.ready-dev  ## install what the tests need, and pass them
	$(PY) -m pytest -n 4 --dist loadfile $(T)

test-slow: apt setup $(VENV)/.ready-dev .venv-notebook/.ready  ## the long trials
	$(PY) -m pytest -n 2 --dist loadfile -m slow $(T)

.venv-notebook/.ready: bench/requirements-notebook.txt
	test -x .venv-notebook/bin/python || python3 -m venv .venv-notebook
	.venv-notebook/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	touch $@

bench: apt setup $(VENV)/.ready-dev .venv-notebook/.ready  ## time PPI and the alternatives side by side
	$(PY) -m bench.dataset
	$(PY) -m bench.upload_paths
	$(PY) -m bench.download_paths
	$(PY) -m bench.load
	$(PY) -m bench.speech
	$(PY) -m bench.pages
	$(PY) -m bench.annotations
	$(PY) -m bench.beside_work

lint: $(VENV)/.ready-dev  ## style and simple faults
	$(VENV)/bin/ruff check .

translations: $(VENV)/.ready-dev  ## collect the messages of the pages and errors for translation
	$(BABEL) extract --mapping-file babel.cfg $(KEYWORDS) --no-location --sort-output --output messages.pot .
	$(BABEL) update --input-file messages.pot --output-dir ppi/translations --no-fuzzy-matching --width 120
	rm messages.pot

screenshots: apt setup $(VENV)/.ready-dev  ## pictures of every page into screenshots/, to look at
	$(PY) -m tests.web.screenshots

guide: apt setup $(VENV)/.ready-dev  ## the pictures of the user guide into docs/img/guide/
	$(PY) -m tests.web.guide

DIALOGS := export {default as Modal} from "bootstrap/js/src/modal.js"; export {default as Offcanvas} from "bootstrap/js/src/offcanvas.js";
BANNER := /*! Bootstrap v5.3.8, modal and offcanvas (https://getbootstrap.com/) | MIT | Copyright 2011-2025 The Bootstrap Authors */

vendor: $(VENV)/.ready-dev  ## what the pages use of Bootstrap, anew (needs npm)
	folder=$$(mktemp -d) && cd $$folder && npm install --silent --no-save bootstrap@5.3.8 esbuild@0.25.12 && echo '$(DIALOGS)' \
	  | npx esbuild --bundle --minify --format=esm --target=es2021 --banner:js='$(BANNER)' --outfile=$(CURDIR)/static/vendor/bootstrap/dialogs.js; \
	  rm -r $$folder
	$(PY) -m tests.web.trim

clean:  ## remove the virtual environment (never the data folder)
	rm -rf $(VENV) .venv-notebook
