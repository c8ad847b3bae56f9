#!/usr/bin/env bash
# The figures of the service on this machine, between stand-ins: ./tests/bench.sh [OPTION]...
#
# Builds the release binaries, and measures 32 and 64 pictures of 300 KB in flight with a model that
# takes 200 ms. Options are passed on: ./tests/bench.sh --objects 200 --json
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cargo build --locked --release --bin s3-warden
cargo build --locked --release --package s3-warden-standins --bin standins
target="${CARGO_TARGET_DIR:-target}/release"
exec "$target/standins" bench --warden "$target/s3-warden" --in-flight 32 --in-flight 64 "$@"
