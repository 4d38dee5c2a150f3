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

# A real IRC server and a client that is not ours; openssl makes the server a certificate.
PEERS := ngircd sic openssl
.PHONY: peers
peers:
	@if [ -x /usr/sbin/ngircd ] && command -v sic >/dev/null && command -v openssl >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get install -y -q $(PEERS) </dev/null || \
	  { apt-get update -q && apt-get install -y -q $(PEERS) </dev/null; }; \
	else echo 'skipped: tests against real IRC programs (packages: $(PEERS))'; fi

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
