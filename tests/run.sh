#!/usr/bin/env bash
# Everything that must hold, in one command, here and in CI: ./tests/run.sh
#
# Stops at the first step that fails and names it. Nothing is fetched but what Cargo.lock names, and
# the pinned emulator of AWS (tests/emulator.sh).
# A step's output is its tool's own; what this script adds begins with "==".
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec </dev/null

source tests/emulator.sh

export CARGO_TERM_COLOR="${CARGO_TERM_COLOR:-auto}"
# Snapshots are compared, never written, wherever the tests run.
export INSTA_UPDATE=no

# One list for lints, documentation and tests, so that nothing is built twice: the default features,
# and the copies of alerts, whose SDKs take minutes to build, once.
features=(--features "s3-warden/securityhub,s3-warden/eventbridge")

current="start"
began=$SECONDS
finish() {
  local status=$?
  emulator_stop
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

# What the tests need beside Rust: an emulator of AWS, which runs until this script ends.
prepare() {
  cargo --version
  rustc --version
  emulator_install
  emulator_start
  echo "MiniStack answers at $S3_WARDEN_TEST_ENDPOINT"
}

shell_syntax() {
  local script
  for script in tests/*.sh .ci/run; do
    bash -n "$script"
  done
}

documentation() {
  RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace "${features[@]}" --no-deps --document-private-items
}

step "prepare" prepare
step "shell syntax" shell_syntax
step "formatting" cargo fmt --check
step "clippy" cargo clippy --locked --workspace "${features[@]}" --all-targets -- -D warnings
step "documentation" documentation
step "without default features" \
  cargo clippy --locked --no-default-features --lib --bins -- -D warnings
step "tests" cargo test --locked --workspace "${features[@]}" --no-fail-fast --lib --bins --tests
step "a folder of 100,000 files" cargo test --locked --workspace "${features[@]}" --test contract -- \
  --ignored --exact source::a_folder_of_100_000_files_flows_through_a_small_queue
step "doc tests" cargo test --locked --workspace "${features[@]}" --doc

echo "== all steps passed in $((SECONDS - began)) s"
