#!/usr/bin/env bash
# Runs a command beside an AWS emulator of its own: tests/emulator.sh [-- COMMAND...]
#
#   tests/emulator.sh -- cargo test --test contract emulator
#   tests/emulator.sh          (keeps running until Ctrl-C, and tells how to reach it)
#
# The emulator is MiniStack, on a free port of the loopback interface, empty at start and forgotten
# at the end. It, boto3 (the "other client" of some tests), the AWS CLI (for scripts that operators run)
# and cfn-lint (for tests/run.sh) are installed under target/ministack/ by their pinned versions, once.
# COMMAND finds it by
#   S3_WARDEN_TEST_ENDPOINT   the address of all services
#   S3_WARDEN_TEST_PYTHON     a Python that has boto3, beside which `aws` and `cfn-lint` lie
# MINISTACK_LOG_LEVEL=DEBUG makes its log talk; it is shown where it does not start.
# Sourced, this file only defines emulator_install, emulator_start and emulator_stop.

EMULATOR_PINS=(ministack==1.5.33 boto3==1.43.106 botocore==1.43.106 awscli==1.46.3 cfn-lint==1.58.0)
EMULATOR_HOME="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/target/ministack"
emulator_pid=""
emulator_run=""

# Installs what is pinned, unless it is there already. Without compiling all of it in advance, which takes
# longer than the rest and is for modules that nobody imports, most of them.
emulator_install() {
  local venv="$EMULATOR_HOME/venv"
  if [[ "$(cat "$venv/pins" 2>/dev/null)" == "${EMULATOR_PINS[*]}" ]] &&
    "$venv/bin/python" -c '' 2>/dev/null; then
    return
  fi
  echo "installing ${EMULATOR_PINS[*]} under target/ministack"
  rm -rf "$venv"
  mkdir -p "$EMULATOR_HOME"
  python3 -m venv "$venv" &&
    "$venv/bin/pip" install --disable-pip-version-check -q --no-compile "${EMULATOR_PINS[@]}" &&
    echo "${EMULATOR_PINS[*]}" >"$venv/pins"
}

# Starts it and waits until it answers. Between asking for a free port and taking it somebody else
# may take it: then another one is tried.
emulator_start() {
  local venv="$EMULATOR_HOME/venv" port attempt waited
  emulator_run="$(mktemp -d "$EMULATOR_HOME/run.XXXXXX")"
  for attempt in 1 2 3 4 5; do
    port="$("$venv/bin/python" -c '
import socket
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    print(free.getsockname()[1])')"
    # Variables that would make it keep data, or read that of another run, are taken away.
    env -u PERSIST_STATE -u S3_PERSIST -u LOCALSTACK_PERSISTENCE -u SERVICES -u EDGE_PORT \
      -u AWS_ENDPOINT_URL -u USE_SSL \
      TMPDIR="$emulator_run" STATE_DIR="$emulator_run/state" S3_DATA_DIR="$emulator_run/s3" \
      GATEWAY_PORT="$port" BIND_HOST=127.0.0.1 MINISTACK_HOST=127.0.0.1 SFTP_ENABLED=0 \
      LOG_LEVEL="${MINISTACK_LOG_LEVEL:-WARNING}" \
      "$venv/bin/ministack" </dev/null >"$emulator_run/log" 2>&1 &
    emulator_pid=$!
    for ((waited = 0; waited < 300; waited++)); do
      kill -0 "$emulator_pid" 2>/dev/null || break
      if "$venv/bin/python" -c '
import sys, urllib.request
urllib.request.urlopen(sys.argv[1], timeout=2)' \
        "http://127.0.0.1:$port/_ministack/health" 2>/dev/null; then
        # Somebody else's emulator may have answered, ours being about to die of the clash.
        sleep 0.2
        kill -0 "$emulator_pid" 2>/dev/null || break
        export S3_WARDEN_TEST_ENDPOINT="http://127.0.0.1:$port"
        export S3_WARDEN_TEST_PYTHON="$venv/bin/python"
        return
      fi
      sleep 0.1
    done
    echo "MiniStack did not start on port $port (attempt $attempt):" >&2
    tail -n 20 "$emulator_run/log" >&2
    emulator_kill
  done
  echo "MiniStack does not start; its output is above" >&2
  return 1
}

emulator_kill() {
  [[ -n "$emulator_pid" ]] || return 0
  kill "$emulator_pid" 2>/dev/null || true
  local waited
  for ((waited = 0; waited < 30; waited++)); do
    kill -0 "$emulator_pid" 2>/dev/null || break
    sleep 0.1
  done
  kill -KILL "$emulator_pid" 2>/dev/null || true
  wait "$emulator_pid" 2>/dev/null || true
  emulator_pid=""
}

# Ends it and forgets its data. Safe to repeat.
emulator_stop() {
  emulator_kill
  if [[ -n "$emulator_run" ]]; then
    rm -rf "$emulator_run"
    emulator_run=""
  fi
}

emulator_main() {
  set -euo pipefail
  if [[ "${1:-}" == "-h" || "${1:-}" == "--help" ]]; then
    sed -n '2,/^$/{s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
    return
  fi
  if [[ "${1:-}" == "--" ]]; then
    shift
  fi
  local began=$SECONDS status=0
  trap emulator_stop EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  emulator_install
  emulator_start
  echo "== MiniStack at $S3_WARDEN_TEST_ENDPOINT, ready after $((SECONDS - began)) s" >&2
  if (($# == 0)); then
    echo "export S3_WARDEN_TEST_ENDPOINT=$S3_WARDEN_TEST_ENDPOINT"
    echo "export S3_WARDEN_TEST_PYTHON=$S3_WARDEN_TEST_PYTHON"
    echo "Ctrl-C ends it" >&2
    wait "$emulator_pid"
    return
  fi
  began=$SECONDS
  "$@" || status=$?
  echo "== $1: exit $status after $((SECONDS - began)) s" >&2
  exit "$status"
}

if [[ "${BASH_SOURCE[0]}" == "$0" ]]; then
  emulator_main "$@"
fi
