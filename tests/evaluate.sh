#!/usr/bin/env bash
# The figures of the local detector, on a set that nothing was tuned on: ./tests/evaluate.sh
#
# Draws 60 pictures with personal data and 60 without (fonts, layouts and seed of their own) and
# judges them with the release build, two at a time. Python's packages go into target/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

set_name="${1:-held-out}"
venv="target/evaluate/venv"
pictures="target/evaluate/$set_name"

if [[ ! -x "$venv/bin/python" ]]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet -r tests/fixtures/generate/requirements.txt
fi
if [[ ! -f "$pictures/labels.json" ]]; then
  python="$PWD/$venv/bin/python"
  (cd tests/fixtures && "$python" -m generate evaluation "../../$pictures" --set "$set_name")
fi
cargo run --locked --release -- evaluate "$pictures"
