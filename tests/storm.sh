#!/usr/bin/env bash
# What a storm of uploads brings people, on this machine, between stand-ins: ./tests/storm.sh [OPTION]...
#
# Builds the release binaries, and sends 10,000 uploads of which 2,000 hold personal data within a
# minute to 1, 4 and 16 services: how many alerts, how fast, what they name, and the digests. Takes
# about ten minutes. Options are passed on: ./tests/storm.sh --objects 1000 --processes 2 --json
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cargo build --locked --release --bin s3-warden
cargo build --locked --release --package s3-warden-standins --bin standins
target="${CARGO_TARGET_DIR:-target}/release"
exec "$target/standins" storm --warden "$target/s3-warden" "$@"
