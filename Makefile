# Everything one does to this project. `make demo` and `make test` set up what they need.
# Cargo, a C compiler and make are all that has to be there before.
.PHONY: help demo test test-long bench check features deny docs
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
# Tests never ask anybody anything.
export DEBIAN_FRONTEND := noninteractive

help: ## say what there is
	@sed -n 's/^\([a-z-]*\):.*## /make \1\t/p' Makefile | expand -t 18

demo: ## the whole service with nothing configured: type `!imagine a red fox`
	@cargo run -q -- demo

test: peers features ## every test, doc tests and builds of single features
	@if [ -z "$${INKWIRE_TEST_COMFYUI:-}" ]; then \
	  echo 'skipped: a real ComfyUI (set INKWIRE_TEST_COMFYUI=http://host:port)'; fi
	@if cargo nextest --version >/dev/null 2>&1; then \
	  cargo nextest run --workspace --no-fail-fast && cargo test --workspace --doc; \
	else cargo test --workspace --no-fail-fast; fi

# Each part builds without the others, and the service without any.
features:
	cargo test -p inkwire --no-default-features --lib
	@for feature in console http irc simulator; do \
	  echo "cargo check --no-default-features --features $$feature"; \
	  cargo check -q -p inkwire --no-default-features --features $$feature; done

# Real IRC servers, services and people, so that the tests meet what is out there. openssl makes
# certificates. Tests start what they need themselves, on ports of their own: the policy keeps the
# packages from starting anything on this machine.
PEERS := ngircd inspircd atheme-services weechat-headless weechat-plugins sic openssl
PEER_PROGRAMS := /usr/sbin/ngircd /usr/sbin/inspircd /usr/bin/atheme-services \
  /usr/bin/weechat-headless /usr/bin/sic /usr/bin/openssl
POLICY := /usr/sbin/policy-rc.d
.PHONY: peers
peers:
	@if ls $(PEER_PROGRAMS) >/dev/null 2>&1; then exit 0; fi; \
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
	  echo 'SKIPPED: tests against real IRC programs (packages: $(PEERS))'; exit 0; fi; \
	if [ ! -e $(POLICY) ]; then \
	  printf '#!/bin/sh\nexit 101\n' >$(POLICY); chmod 755 $(POLICY); \
	  trap 'rm -f $(POLICY)' EXIT; fi; \
	apt-get install -y -q --no-install-recommends $(PEERS) </dev/null || \
	{ apt-get update -q && apt-get install -y -q --no-install-recommends $(PEERS) </dev/null; }

# Its own requirements.txt says what it needs; PYTHON is an interpreter that has it.
PYTHON ?= python3
.PHONY: irctest
irctest: ## the public suite for IRC clients: make irctest IRCTEST=its/directory
	@if [ -z "$${IRCTEST:-}" ]; then \
	  echo 'skipped: irctest (set IRCTEST to a checkout of github.com/progval/irctest)'; \
	else cargo build -q && program="$$(realpath "$${CARGO_TARGET_DIR:-target}")/debug/inkwire" && \
	  cd "$$IRCTEST" && INKWIRE="$$program" PYTHONPATH='$(CURDIR)/tests/irctest' \
	  PYTHONDONTWRITEBYTECODE=1 $(PYTHON) -m pytest -q -rs -p no:cacheprovider \
	  --controller inkwire irctest/client_tests; fi

test-long: peers ## hours instead of minutes: many more random cases
	PROPTEST_CASES=20000 cargo test --workspace --no-fail-fast

bench: ## speed and memory as JSON, each a ratio to a reference of the same run
	@cargo build -q --release -p inkwire -p inkwire-bench
	@target/release/inkwire-bench

check: ## format, lints, documentation, dependencies; everything that does not run
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc -q --workspace --no-deps
	@$(MAKE) --no-print-directory deny

# Licences, bans and sources; advisories where their database is at hand, for it is not fetched here.
deny:
	@command -v cargo-deny >/dev/null || cargo install -q --locked cargo-deny@0.20.2
	cargo deny --log-level error check licenses bans sources
	@if compgen -G "$${CARGO_HOME:-$$HOME/.cargo}/advisory-dbs/*/crates" >/dev/null; then \
	  cargo deny --offline check advisories; \
	else echo 'skipped: advisories (`cargo deny fetch` brings their database)'; fi

docs: ## write the references again that are made from tables in the code
	cargo build -q
	target/debug/inkwire docs commands > docs/commands.md
	target/debug/inkwire docs telemetry > docs/telemetry.md
