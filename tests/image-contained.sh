#!/usr/bin/env bash
# The image for amd64 at work, without a container runtime; sourced by tests/image.sh, which mounts
# it at ROOT.
#
# A command gets what a runtime would give it at its strictest: namespaces of its own, so that it is
# process 1; a root, /proc and /dev without anything that can be written to, and no /tmp; user 65532
# without capabilities; the environment of the image and what is given. Only the network is that of
# the machine, where the stand-ins listen.

CONTAINED_USER=65532
# How long the service may take to a poll or a verdict.
CONTAINED_SECONDS=60
# `limits.drain_seconds`: how long it may take to stop.
CONTAINED_DRAIN_SECONDS=100

# contained VARIABLE=VALUE... -- COMMAND...: becomes the process that waits for the container.
contained() {
  local variables=()
  # Not `< <(...)`: what runs there may still be a child, beside the container, of what this becomes.
  mapfile -t variables <<<"$(image_tool inspect --type image "$NAME:amd64" |
    jq --raw-output '.Docker.config.Env[]')"
  while [[ "$1" != "--" ]]; do
    variables+=("$1")
    shift
  done
  shift
  exec {lock}>&-
  exec env -i "${variables[@]}" \
    unshare --mount --pid --ipc --uts --fork --kill-child --propagation private \
    /bin/bash -euc '
      root="$1" user="$2"
      shift 2
      mount --bind "$root" "$root"
      mkdir -p "$root/proc" "$root/dev"
      mount -t proc proc "$root/proc"
      mount -t tmpfs -o size=64k,mode=755 tmpfs "$root/dev"
      for device in null zero random urandom; do
        : >"$root/dev/$device"
        mount --bind "/dev/$device" "$root/dev/$device"
      done
      mount -o remount,bind,ro "$root/dev"
      mount -o remount,bind,ro "$root"
      exec setpriv --no-new-privs chroot --userspec="$user:$user" --groups="$user" "$root" "$@"
    ' bash "$ROOT" "$CONTAINED_USER" /usr/local/bin/s3-warden "$@"
}

# contained_exit CODE PATTERN VARIABLE=VALUE... -- COMMAND...: runs a command to its end.
contained_exit() {
  local code="$1" pattern="$2" status=0 log="$LOGS/contained.log"
  shift 2
  (contained "$@") >"$log" 2>&1 || status=$?
  if ((status != code)) || ! grep --quiet --extended-regexp "$pattern" "$log"; then
    cat "$log" >&2
    fail "${*: -1} exits with $status and the text above, not with $code and '$pattern'"
  fi
  echo "${*: -1}: exits with $status"
}

contained_commands() {
  contained_exit 0 "^s3-warden $(version)" -- --version
  contained_exit 1 "9090" -- healthcheck
  contained_exit 64 "queue.url" -- run
  cat "$LOGS/contained.log"
}

# The weights came along: one picture with made-up data and one without. As with a folder that is
# mounted, the pictures are there before the program starts.
contained_pictures() {
  mkdir "$ROOT/pictures"
  install --mode=0444 tests/fixtures/demo/{id-card-front.jpg,flower-closeup.webp} "$ROOT/pictures"
  contained_exit 1 "id-card-front.jpg.*flagged" -- analyze --pii --json /pictures
  contained_exit 0 "flower-closeup.webp.*clean" -- analyze --pii --json /pictures/flower-closeup.webp
}

# aws METHOD PATH CURL-ARGUMENT...: a call to the stand-ins, which take any credentials.
aws() {
  curl --fail --silent --show-error --request "$1" "$aws$2" "${@:3}"
}

sqs() {
  aws POST / --header "x-amz-target: AmazonSQS.$1" --header "content-type: application/x-amz-json-1.0" --data "$2"
}

# calls OPERATION: how often the service has made a call.
calls() {
  aws GET /_standin/calls | jq --arg operation "$1" '.[$operation] // 0'
}

# until_called OPERATION PROCESS: waits until a call has been made, as long as the process lives.
until_called() {
  local deadline=$((SECONDS + CONTAINED_SECONDS))
  until (($(calls "$1") > 0)); do
    if ! kill -0 "$2" 2>/dev/null || ((SECONDS > deadline)); then
      tail -n 30 "$LOGS/service.log" >&2
      fail "no $1 within $CONTAINED_SECONDS s; the end of the service's log is above"
    fi
    sleep 0.01
  done
}

# The service itself: to its first poll, healthy, one picture, SIGTERM.
contained_service() {
  local urls bedrock queue topic before first line process took status=0
  # What an earlier run left would be taken for an answer.
  rm -f "$LOGS/standins.log"
  target/debug/standins aws >"$LOGS/standins.log" 2>&1 {lock}>&- &
  standins=$!
  for _ in {1..100}; do
    [[ -s "$LOGS/standins.log" ]] && break
    sleep 0.1
  done
  urls="$(cat "$LOGS/standins.log")"
  aws="$(jq --raw-output .aws <<<"$urls")"
  bedrock="$(jq --raw-output .bedrock <<<"$urls")"
  aws PUT /uploads
  aws PUT "/uploads?versioning" --data '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>'
  aws PUT /records
  queue="$(sqs CreateQueue '{"QueueName": "uploads"}' | jq --raw-output .QueueUrl)"
  topic="$(aws POST / --data 'Action=CreateTopic&Name=alerts' | sed -n 's/.*<TopicArn>\(.*\)<\/TopicArn>.*/\1/p')"
  local variables=(AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=standin AWS_SECRET_ACCESS_KEY=standin
    AWS_EC2_METADATA_DISABLED=true "AWS_ENDPOINT_URL=$aws"
    "AWS_ENDPOINT_URL_BEDROCK_RUNTIME=$bedrock" "WARDEN_QUEUE__URL=$queue"
    "WARDEN_ALERTS__TOPIC_ARN=$topic" WARDEN_RECORDS__BUCKET=records
    WARDEN_INTAKE__BUCKETS=uploads WARDEN_POLICY__MODE=enforce)

  before="${EPOCHREALTIME/./}"
  contained "${variables[@]}" -- run >"$LOGS/service.log" 2>&1 &
  service=$!
  until_called sqs:ReceiveMessage "$service"
  first="${EPOCHREALTIME/./}"
  line="$(head -n 1 "$LOGS/service.log" | jq --raw-output .timestamp)"
  echo "start to first poll: $(((first - before) / 1000)) ms;" \
    "$((($(date --date "$line" +%s%6N) - before) / 1000)) ms to the first line of the log," \
    "most of it the making of the container"
  process="$(pgrep --parent "$service")"
  confined "$process"
  healthy "$process"
  judge_one
  before="${EPOCHREALTIME/./}"
  kill -TERM "$process"
  wait "$service" || status=$?
  service=""
  took="$(((${EPOCHREALTIME/./} - before) / 1000))"
  echo "SIGTERM: exits with $status after $took ms; a poll under way is waited for, at most 20 s"
  if ((status != 0 || took > CONTAINED_DRAIN_SECONDS * 1000)); then
    tail -n 30 "$LOGS/service.log" >&2
    fail "the service does not stop as it should; the end of its log is above"
  fi
  kill "$standins"
  wait "$standins" 2>/dev/null || true
  standins=""
}

# confined PROCESS: it has no rights and nothing to write to; or the rest would prove nothing.
confined() {
  local process="$1" place line
  for line in "NSpid:.*[[:space:]]1" "Uid:[[:space:]]$CONTAINED_USER[[:space:]]" "CapEff:[[:space:]]0+" "NoNewPrivs:[[:space:]]1"; do
    grep --quiet --extended-regexp "^$line" "/proc/$process/status" ||
      fail "the process is not confined: $line is missing in /proc/PID/status"
  done
  for place in / /tmp /dev /home/nonroot /var/tmp /run; do
    if [[ -d "/proc/$process/root$place" ]] && touch "/proc/$process/root$place/x" 2>/dev/null; then
      fail "$place can be written to in the container"
    fi
  done
  if find "/proc/$process/fd" -lname '/*' -not -lname '/dev/*' -not -lname "$LOGS/*" | grep --quiet .; then
    ls -l "/proc/$process/fd" >&2
    fail "the service has files open"
  fi
  echo "confined: process 1, user $CONTAINED_USER, no capabilities, nothing can be written to, no file is open"
}

# healthy PROCESS: the image's own health check, within the running container.
healthy() {
  local answer
  local command=()
  mapfile -t command < <(image_tool inspect --type image "$NAME:amd64" |
    jq --raw-output '.Docker.config.Healthcheck.Test[1:][]')
  answer="$(env -i WARDEN_OPS__LISTEN=0.0.0.0:9090 nsenter --target "$1" --mount --pid --root --wd=/ \
    --setuid "$CONTAINED_USER" --setgid "$CONTAINED_USER" "${command[@]}")" ||
    fail "the health check says: $answer"
  echo "health check: $answer"
}

# One picture from upload to verdict: decoding and resizing want no scratch space either.
judge_one() {
  local picture=tests/fixtures/demo/flower-closeup.webp headers version etag event
  headers="$(aws PUT /uploads/flower.webp --data-binary "@$picture" --output /dev/null --dump-header -)"
  etag="$(sed -n 's/^etag: "\?\([^"]*\)"\?\r$/\1/pI' <<<"$headers")"
  version="$(sed -n 's/^x-amz-version-id: \(.*\)\r$/\1/pI' <<<"$headers")"
  event="$(jq --null-input --compact-output --arg etag "$etag" --arg version "$version" \
    --argjson size "$(stat --format %s "$picture")" '{Records: [{eventVersion: "2.1",
      eventSource: "aws:s3", awsRegion: "us-east-1", eventTime: "2026-01-01T00:00:00.000Z",
      eventName: "ObjectCreated:Put", s3: {s3SchemaVersion: "1.0", bucket: {name: "uploads",
      arn: "arn:aws:s3:::uploads"}, object: {key: "flower.webp", size: $size, eTag: $etag,
      versionId: $version, sequencer: "0000000000000001"}}}]}')"
  sqs SendMessage "$(jq --null-input --compact-output --arg url "$queue" --arg body "$event" \
    '{QueueUrl: $url, MessageBody: $body}')" >/dev/null
  until_called sqs:DeleteMessageBatch "$service"
  echo "one picture judged: $(aws GET /_standin/calls)"
}
