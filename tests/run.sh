#!/usr/bin/env bash
# Everything that must hold, in one command, here and in CI: ./tests/run.sh
#
# Stops at the first step that fails and names it. Nothing is fetched but what Cargo.lock names.
# A step's output is its tool's own; what this script adds begins with "==".
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec </dev/null

export CARGO_TERM_COLOR="${CARGO_TERM_COLOR:-auto}"
# Snapshots are compared, never written, wherever the tests run.
export INSTA_UPDATE=no

current="start"
began=$SECONDS
finish() {
  local status=$?
  if ((status != 0)); then
    echo "== FAILED: $current, after $((SECONDS - began)) s" >&2
  fi
}
trap finish EXIT

# step NAME COMMAND...: runs a command and tells how long it took.
step() {
  current="$1"
  shift
  echo "== $current"
  local before=$SECONDS
  "$@"
  echo "== $current: $((SECONDS - before)) s"
}

# What the tests need beside Rust is installed here, each with the test that needs it. So far
# nothing: the tests run on adapters for one machine.
prepare() {
  cargo --version
  rustc --version
}

shell_syntax() {
  local script
  for script in tests/*.sh .ci/run; do
    bash -n "$script"
  done
}

documentation() {
  RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items
}

step "prepare" prepare
step "shell syntax" shell_syntax
step "formatting" cargo fmt --check
step "clippy" cargo clippy --locked --all-targets -- -D warnings
step "documentation" documentation
step "without default features" \
  cargo clippy --locked --no-default-features --lib --bins -- -D warnings
step "tests" cargo test --locked --no-fail-fast --lib --bins --tests
step "a folder of 100,000 files" cargo test --locked --test contract -- \
  --ignored --exact source::a_folder_of_100_000_files_flows_through_a_small_queue
step "doc tests" cargo test --locked --doc

echo "== all steps passed in $((SECONDS - began)) s"
