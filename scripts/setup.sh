#!/usr/bin/env bash
# Makes a fresh Debian 12 machine ready to build Tributary: system packages, Rust, the wasm32 target.
# Does nothing, in under a second, where all of it is there. Run as root, or as a user who may sudo.
# Arguments are Debian packages that are wanted besides.
set -euo pipefail

# C++ and libclang for RocksDB, ccache so that its 20 minutes are spent once, Node.js for the Ethereum clients of the tests.
packages=(ca-certificates ccache clang curl g++ libclang-dev make nodejs npm pkg-config "$@")

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }
is_installed() {
    case "$1" in
        # Node.js may come from elsewhere than Debian.
        nodejs) command -v node >/dev/null ;;
        npm) command -v npm >/dev/null ;;
        # So may Python.
        python3) command -v python3 >/dev/null ;;
        python3-venv) python3 -c 'import ensurepip, venv' 2>/dev/null ;;
        *) dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'ok installed' ;;
    esac
}

install_packages() {
    local missing=() package
    for package in "${packages[@]}"; do is_installed "$package" || missing+=("$package"); done
    [ ${#missing[@]} -eq 0 ] && return
    command -v apt-get >/dev/null || die "this machine has no apt-get; install these by hand: ${missing[*]}"
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || die "not root and no sudo; install these as root: ${missing[*]}"
        as_root=(sudo)
    fi
    say "installing ${missing[*]}"
    "${as_root[@]}" apt-get update -qq
    DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

install_rust() {
    export PATH="$HOME/.cargo/bin:$PATH"
    if ! command -v cargo >/dev/null; then
        say "installing Rust"
        curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y --profile minimal -c clippy -c rustfmt
    fi
    if ! rustc --print target-libdir --target wasm32-unknown-unknown 2>/dev/null | xargs -r test -d; then
        command -v rustup >/dev/null || die "the wasm32-unknown-unknown target is missing and there is no rustup to add it"
        say "adding the wasm32-unknown-unknown target"
        rustup target add wasm32-unknown-unknown
    fi
}

install_packages
install_rust
