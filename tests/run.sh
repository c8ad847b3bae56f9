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
  for script in tests/*.sh deploy/*.sh .ci/run; do
    bash -n "$script"
  done
}

# Warnings fail as well, and what would be deleted with its data without having said so. Everything that
# is YAML has to be a template or a manifest for Kubernetes, so that nothing is passed over.
templates() {
  local file templates=()
  for file in deploy/*.yaml; do
    if grep -q '^AWSTemplateFormatVersion:' "$file"; then
      templates+=("$file")
    elif ! grep -q '^apiVersion:' "$file"; then
      echo "$file is neither a template of CloudFormation nor a manifest" >&2
      return 1
    fi
  done
  "$EMULATOR_HOME/venv/bin/cfn-lint" --include-checks I3011 --regions us-east-1 eu-west-1 ap-northeast-2 \
    -- "${templates[@]}"
  echo "${#templates[@]} templates: nothing to say"
}

documentation() {
  RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace "${features[@]}" --no-deps --document-private-items
}

step "prepare" prepare
step "shell syntax" shell_syntax
step "templates" templates
step "formatting" cargo fmt --check
step "clippy" cargo clippy --locked --workspace "${features[@]}" --all-targets -- -D warnings
step "documentation" documentation
step "without default features" \
  cargo clippy --locked --no-default-features --lib --bins -- -D warnings
# More at once than there are cores: those beside the emulator mostly wait, and take half the time so.
step "tests" env RUST_TEST_THREADS=6 cargo test --locked --workspace "${features[@]}" --no-fail-fast --lib --bins --tests
step "a folder of 100,000 files" cargo test --locked --workspace "${features[@]}" --test contract -- \
  --ignored --exact source::a_folder_of_100_000_files_flows_through_a_small_queue
step "doc tests" cargo test --locked --workspace "${features[@]}" --doc

echo "== all steps passed in $((SECONDS - began)) s"
