# Tributary: `make devnet` runs the whole system here, `make test` proves that it works.
# Both do all the set-up on a fresh Debian 12 machine. `make help` lists the rest.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
export PATH := $(HOME)/.cargo/bin:$(PATH)

# RocksDB is 20 CPU minutes of C++: compile it once per machine, whatever the clone. `setup` installs ccache.
export CC := ccache gcc
export CXX := ccache g++

DEVNET_FLAGS ?=
TESTS ?= fvm/ethereum-tests/cases
FORK ?= Osaka
ORACLE_FLAGS ?=
BENCH_FLAGS ?=
CLIENTS := subnet-node/tests/clients
# What npm and pip leave behind: newer than their lock files once a client is installed.
INSTALLED := node_modules/.package-lock.json
CLIENT ?=
ACTORS := tributary-checkpoint-actor tributary-counter-actor tributary-token-actor \
  tributary-script-actor tributary-script-entries-actor
# Libraries that compile to WASM too: whoever checks a proof may be a web page or an actor.
PORTABLE := tributary-witness tributary-proof
ORACLE := fvm/oracle/Cargo.toml
FUZZ := fvm/trials/fuzz
TARGET_DIR := $${CARGO_TARGET_DIR:-target}
TARGET ?= calls
SECONDS ?= 60

.PHONY: help setup build devnet test clients schedules ethereum-tests oracle oracle-bench bench bench-network fuzz lint fmt chart clean

help: ## List what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

setup: ## Install what building needs: packages, Rust, the wasm32 target
	@scripts/setup.sh

build: setup ## Build every program
	cargo build --locked --workspace

devnet: build ## Run a root network, a subnet and a relayer here, until Ctrl-C (flags: DEVNET_FLAGS="--fresh")
	@exec cargo run --locked --quiet --package tributary-node --bin subnet-node -- devnet $(DEVNET_FLAGS)

test: build schedules $(CLIENTS)/ethers/$(INSTALLED) $(CLIENTS)/viem/$(INSTALLED) ## Run every test: unit, property, schedules and real processes
	cargo test --locked --workspace

schedules: setup ## Run the parallel executor under model checkers: every order of its small parts, many of the whole
	RUSTFLAGS="--cfg loom" cargo test --locked --package tributary-parallel --lib --target-dir $(TARGET_DIR)/loom
	RUSTFLAGS="--cfg shuttle" cargo test --locked --package tributary-parallel --test equal --target-dir $(TARGET_DIR)/shuttle

ethereum-tests: build ## Run Ethereum's public state tests: TESTS=folder FORK=Cancun (docs/ethereum-tests.md)
	$(TARGET_DIR)/debug/ethereum-tests --fork $(FORK) $(TESTS)

oracle: setup ## Compare execution with the reference FVM: 30 CPU minutes cold, half a minute warm (ORACLE_FLAGS="--cases 20000")
	cargo test --locked --release --quiet --manifest-path $(ORACLE) --lib
	cargo run --locked --release --quiet --manifest-path $(ORACLE) --bin oracle -- $(ORACLE_FLAGS)

oracle-bench: setup ## What a message costs, ours and the reference FVM's, side by side: BENCH_FLAGS="--bundle actors.car"
	cargo run --locked --release --quiet --manifest-path $(ORACLE) --bin bench -- $(BENCH_FLAGS)

bench: build ## What a transaction costs, layer by layer, ours beside bare revm (docs/performance.md): BENCH_FLAGS="--accounts 100000 --workload erc20"
	$(TARGET_DIR)/debug/bench $(BENCH_FLAGS)

bench-network: build ## What a network takes from its clients: TPS and latency, submit to block (docs/performance.md): BENCH_FLAGS="--validators 4"
	$(TARGET_DIR)/debug/subnet-node bench $(BENCH_FLAGS)

fuzz: setup ## Search for inputs that break the executor's laws: TARGET=calls SECONDS=600; also message, wasm, blocks, state (docs/fuzzing.md)
	command -v cargo-fuzz > /dev/null || cargo install --locked cargo-fuzz@0.13.2
	mkdir -p $(FUZZ)/corpus/$(TARGET)
	cargo fuzz run --fuzz-dir $(FUZZ) --sanitizer none --release --codegen-units 16 \
	  $(TARGET) $(FUZZ)/corpus/$(TARGET) fvm/trials/seeds/$(TARGET) -- \
	  -max_total_time=$(SECONDS) -max_len=4096 -timeout=60 -rss_limit_mb=4096

clients: build $(foreach client,ethers viem hardhat foundry,$(CLIENTS)/$(client)/$(INSTALLED)) $(CLIENTS)/web3py/.venv/installed ## Run Ethereum's clients in full against a subnet of four, with a table: CLIENT=ethers for one (docs/clients.md)
	CLIENT=$(CLIENT) cargo test --locked --workspace --test network -- --ignored --exact --nocapture clients::every_client_in_full

$(CLIENTS)/%/$(INSTALLED): $(CLIENTS)/%/package-lock.json | setup
	npm ci --prefix $(CLIENTS)/$* --no-audit --no-fund
	@touch $@

# Only here is Python needed.
$(CLIENTS)/web3py/.venv/installed: $(CLIENTS)/web3py/requirements.txt
	@scripts/setup.sh python3 python3-venv
	python3 -m venv --clear $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --requirement $<
	@touch $@

lint: setup ## Formatting, clippy and docs, with warnings denied
	cargo fmt --all --check
	cargo fmt --all --check --manifest-path $(ORACLE)
	cargo fmt --check --manifest-path $(FUZZ)/Cargo.toml
	cargo clippy --locked --workspace --all-targets -- --deny warnings
	cargo clippy --locked --profile actor --target wasm32-unknown-unknown $(addprefix --package ,$(ACTORS) $(PORTABLE)) -- --deny warnings
	RUSTDOCFLAGS="--deny warnings" cargo doc --locked --workspace --no-deps --document-private-items

fmt: ## Format the code
	cargo fmt --all
	cargo fmt --all --manifest-path $(ORACLE)
	cargo fmt --manifest-path $(FUZZ)/Cargo.toml

chart: ## Lint and render the Helm chart
	scripts/check-chart.sh

clean: ## Remove what was built
	cargo clean
	cargo clean --manifest-path $(ORACLE)
	cargo clean --manifest-path $(FUZZ)/Cargo.toml
