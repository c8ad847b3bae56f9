#!/usr/bin/env bash
# One clean and one flagged upload through `s3-warden run` on a real AWS account:
#
#   tests/aws-smoke.sh [--quarantine] [--keep]
#
# Makes throw-away buckets, queues, a topic, a role and a rule whose names begin with s3-warden-smoke,
# runs the service on this machine under that role with the policies of deploy/iam, looks at what has
# become of the uploads, and removes everything again (--keep leaves it, and says what it is).
# It costs a few cents at most: two calls to a model, some requests.
#
# Needs: the AWS CLI 2, jq, curl, cargo, credentials that may make all of that and assume the role,
# AWS_REGION, and access to the model (WARDEN_MODEL__ID, default as in config/default.toml).
#
# What only it can prove, and an emulator cannot, is listed at its end with what was seen.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

quarantine="" keep=""
for argument in "$@"; do
  case "$argument" in
    --quarantine) quarantine=1 ;;
    --keep) keep=1 ;;
    *)
      sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"
      [[ "$argument" == "-h" || "$argument" == "--help" ]] && exit 0
      exit 64
      ;;
  esac
done
for tool in aws jq curl cargo; do
  command -v "$tool" >/dev/null || { echo "$tool is needed" >&2; exit 69; }
done
: "${AWS_REGION:?set AWS_REGION to the region to try}"
export AWS_REGION AWS_DEFAULT_REGION="$AWS_REGION" AWS_PAGER=""
account="$(aws sts get-caller-identity --query Account --output text)"
caller="$(aws sts get-caller-identity --query Arn --output text)"

id="s3-warden-smoke-$(date +%s)-$RANDOM"
uploads="$id-uploads" records="$id-records" quarantined="$id-quarantine"
queue_arn="arn:aws:sqs:$AWS_REGION:$account:$id-queue"
dead_arn="arn:aws:sqs:$AWS_REGION:$account:$id-dead"
inbox_arn="arn:aws:sqs:$AWS_REGION:$account:$id-inbox"
topic_arn="arn:aws:sns:$AWS_REGION:$account:$id-alerts"
model="${WARDEN_MODEL__ID:-us.anthropic.claude-haiku-5-5}"
work="$(mktemp -d)"
service="" failed=0
declare -a seen=()

say() { echo "== $*"; }
saw() { seen+=("$1"); say "$1"; }
wrong() { seen+=("WRONG: $1"); say "WRONG: $1"; failed=1; }

# Everything that was made goes, in an order in which nothing holds on to anything else; what is not
# there is passed over.
clean_up() {
  local status=$?
  set +e
  [[ -n "$service" ]] && kill "$service" 2>/dev/null && wait "$service" 2>/dev/null
  if [[ -n "$keep" ]]; then
    say "kept: everything whose name begins with $id; the service's log is $work/log"
    exit "$status"
  fi
  say "removing everything whose name begins with $id"
  {
    aws events remove-targets --rule "$id-rule" --ids 1
    aws events delete-rule --name "$id-rule"
    local bucket kind
    for bucket in "$uploads" "$records" "$quarantined"; do
      for kind in Versions DeleteMarkers; do
        aws s3api list-object-versions --bucket "$bucket" --output json |
          jq -c "{Objects: [.$kind[]? | {Key, VersionId}], Quiet: true} | select(.Objects != [])" |
          while read -r some; do
            aws s3api delete-objects --bucket "$bucket" --delete "$some" \
              --bypass-governance-retention
          done
      done
      aws s3api delete-bucket --bucket "$bucket"
    done
    aws sns delete-topic --topic-arn "$topic_arn"
    local name
    for name in queue dead inbox; do
      aws sqs delete-queue --queue-url "$(url "$name")"
    done
    aws iam delete-role-policy --role-name "$id" --policy-name worker
    aws iam delete-role-policy --role-name "$id" --policy-name quarantine
    aws iam delete-role --role-name "$id"
  } >"$work/cleaning" 2>&1
  rm -rf "$work"
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

url() { echo "https://sqs.$AWS_REGION.amazonaws.com/$account/$id-$1"; }

# until_true SECONDS COMMAND...: looks again every two seconds.
until_true() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < deadline)) || return 1
    sleep 2
  done
}

make_queue() { # NAME ARN ATTRIBUTES
  jq -n --arg arn "$2" --arg account "$account" --argjson more "$3" '$more + {Policy: ({
    Version: "2012-10-17", Statement: [{Effect: "Allow",
      Principal: {Service: ["s3.amazonaws.com", "sns.amazonaws.com", "events.amazonaws.com"]},
      Action: "sqs:SendMessage", Resource: $arn,
      Condition: {StringEquals: {"aws:SourceAccount": $account}}}]} | tostring)}' \
    >"$work/attributes.json"
  aws sqs create-queue --queue-name "$id-$1" --attributes "file://$work/attributes.json" >/dev/null
}

make_bucket() {
  if [[ "$AWS_REGION" == us-east-1 ]]; then
    aws s3api create-bucket --bucket "$1" >/dev/null
  else
    aws s3api create-bucket --bucket "$1" \
      --create-bucket-configuration "LocationConstraint=$AWS_REGION" >/dev/null
  fi
  aws s3api put-bucket-versioning --bucket "$1" --versioning-configuration Status=Enabled
}

# The policies as they are handed out, with the names of this run.
policy() {
  local base="${model#*.}"
  sed -e "s/UPLOADS_BUCKET/$uploads/g; s/RECORDS_BUCKET/$records/g" \
    -e "s/QUARANTINE_BUCKET/$quarantined/g; s/UPLOADS_QUEUE/$id-queue/g" \
    -e "s/DEAD_LETTER_QUEUE/$id-dead/g; s/ALERTS_TOPIC/$id-alerts/g" \
    -e "s/PROFILE\.MODEL/$model/g; s/foundation-model\/MODEL/foundation-model\/$base/g" \
    -e "s/:REGION:ACCOUNT:/:$AWS_REGION:$account:/g" "deploy/iam/$1.json"
}

say "building"
cargo build --locked --release --quiet
cp "tests/fixtures/demo/passport_scan 2026.jpg" "$work/flagged.jpg"
cp tests/fixtures/demo/old-bridge-lake.jpg "$work/clean.jpg"

say "making $id-*"
make_queue dead "$dead_arn" '{"MessageRetentionPeriod": "1209600"}'
make_queue queue "$queue_arn" "$(jq -n --arg dead "$dead_arn" '{VisibilityTimeout: "120",
  RedrivePolicy: ({deadLetterTargetArn: $dead, maxReceiveCount: 20} | tostring)}')"
make_queue inbox "$inbox_arn" '{}'
aws sns create-topic --name "$id-alerts" >/dev/null
aws sns subscribe --topic-arn "$topic_arn" --protocol sqs --notification-endpoint "$inbox_arn" \
  --attributes RawMessageDelivery=true >/dev/null
for bucket in "$uploads" "$records" "$quarantined"; do make_bucket "$bucket"; done
aws events put-rule --name "$id-rule" --event-pattern "$(jq -nc --arg bucket "$uploads" '{
  source: ["aws.s3"], "detail-type": ["Object Created"], detail: {bucket: {name: [$bucket]},
  object: {key: [{prefix: "by rule/"}]}}}')" >/dev/null
aws events put-targets --rule "$id-rule" --targets "Id=1,Arn=$queue_arn" >/dev/null
until_true 60 aws s3api put-bucket-notification-configuration --bucket "$uploads" \
  --notification-configuration "$(jq -nc --arg queue "$queue_arn" '{EventBridgeConfiguration: {},
    QueueConfigurations: [{QueueArn: $queue, Events: ["s3:ObjectCreated:*"],
      Filter: {Key: {FilterRules: [{Name: "prefix", Value: "raw/"}]}}}]}')"
aws iam create-role --role-name "$id" --assume-role-policy-document "$(jq -nc --arg account "$account" \
  '{Version: "2012-10-17", Statement: [{Effect: "Allow", Action: "sts:AssumeRole",
    Principal: {AWS: "arn:aws:iam::\($account):root"}}]}')" >/dev/null
aws iam put-role-policy --role-name "$id" --policy-name worker \
  --policy-document "$(policy worker)"
[[ -z "$quarantine" ]] || aws iam put-role-policy --role-name "$id" --policy-name quarantine \
  --policy-document "$(policy quarantine)"

assume() {
  aws sts assume-role --role-arn "arn:aws:iam::$account:role/$id" --role-session-name smoke \
    --query Credentials --output json >"$work/credentials" 2>/dev/null
}
say "waiting until the role can be assumed ($caller)"
until_true 60 assume || { wrong "the role cannot be assumed"; exit 1; }

# start_service [OWNER [SECONDS]]: the account that has to own the bucket; ended after that time.
start_service() {
  env -i HOME="$work" PATH="$PATH" AWS_REGION="$AWS_REGION" \
    AWS_ACCESS_KEY_ID="$(jq -r .AccessKeyId "$work/credentials")" \
    AWS_SECRET_ACCESS_KEY="$(jq -r .SecretAccessKey "$work/credentials")" \
    AWS_SESSION_TOKEN="$(jq -r .SessionToken "$work/credentials")" \
    WARDEN_LOG=info,s3_warden=debug WARDEN_OPS__LISTEN=127.0.0.1:0 WARDEN_POLICY__MODE=enforce \
    WARDEN_QUEUE__URL="$(url queue)" WARDEN_ALERTS__TOPIC_ARN="$topic_arn" \
    WARDEN_RECORDS__BUCKET="$records" WARDEN_INTAKE__BUCKETS="$uploads" \
    WARDEN_AWS__EXPECTED_BUCKET_OWNER="${1:-$account}" WARDEN_MODEL__ID="$model" \
    WARDEN_MODEL__FALLBACKS="" \
    ${quarantine:+WARDEN_POLICY__REMOVAL=quarantine} \
    ${quarantine:+WARDEN_QUARANTINE__BUCKET="$quarantined"} \
    ${2:+timeout "$2"} target/release/s3-warden run 2>"$work/log" &
  service=$!
}
is_ready() {
  local address
  # Refused, since not all of AWS knows the role yet: it is tried again.
  kill -0 "$service" 2>/dev/null || { start_service; return 1; }
  address="$(jq -r '."ops.address" // empty' "$work/log" 2>/dev/null | head -n 1)"
  [[ -n "$address" ]] && curl -fsS "http://$address/readyz" >/dev/null 2>&1
}

say "a wrong owner must be refused"
# A role takes a while to be what it is everywhere, and is refused for that until then.
refused_as_anothers() {
  start_service 000000000000 30
  wait "$service" || true
  service=""
  grep -q "belongs to another account" "$work/log"
}
if until_true 60 refused_as_anothers; then saw "ExpectedBucketOwner: a bucket of another owner is refused"
else wrong "ExpectedBucketOwner: $(tail -n 1 "$work/log" | cut -c1-300)"; fi

say "starting the service"
start_service
until_true 120 is_ready || { wrong "not ready: $(tail -n 3 "$work/log")"; exit 1; }
saw "IAM: the policies of deploy/iam are enough to start"

put() { # KEY FILE, prints the version
  aws s3api put-object --bucket "$uploads" --key "$1" --body "$2" --query VersionId --output text
}
gone() { ! aws s3api head-object --bucket "$uploads" --key "$1" --version-id "$2" >/dev/null 2>&1; }

raw_key="raw/a+b c%20 한.jpg" rule_key="by rule/a+b c%20 한.jpg" clean_key="raw/clean.jpg"
clean_version="$(put "$clean_key" "$work/clean.jpg")"
raw_version="$(put "$raw_key" "$work/flagged.jpg")"
rule_version="$(put "$rule_key" "$work/flagged.jpg")"

if until_true 120 gone "$raw_key" "$raw_version"; then
  saw "real model: the flagged picture was removed, by its version, with a notification of S3"
else
  wrong "the flagged picture is still there (notification of S3)"
fi
if until_true 120 gone "$rule_key" "$rule_version"; then
  saw "EventBridge: the key came as it was read (verbatim or encoded), and the version with it"
else
  wrong "EventBridge: the flagged picture is still there; look at the key's encoding in $work/log"
fi
settled() {
  [[ "$(aws sqs get-queue-attributes --queue-url "$(url queue)" --attribute-names \
    ApproximateNumberOfMessages ApproximateNumberOfMessagesNotVisible \
    --query 'Attributes.*' --output text | tr '\t' '\n' | sort -u)" == 0 ]]
}
until_true 180 settled || wrong "the queue does not get empty"
gone "$clean_key" "$clean_version" && wrong "the clean picture is gone" ||
  saw "real model: the clean picture stays"

kill -TERM "$service"
stopped=0
wait "$service" || stopped=$?
service=""
if ((stopped == 0)); then saw "SIGTERM: drained, exit 0"; else wrong "SIGTERM: exit $stopped"; fi

findings="$(aws s3api list-objects-v2 --bucket "$records" --prefix findings/ \
  --query 'length(Contents[])' --output text)"
pending="$(aws s3api list-objects-v2 --bucket "$records" --prefix pending/ --query KeyCount --output text)"
[[ "$findings" == 2 && "${pending:-0}" == 0 ]] &&
  saw "conditional writes: two findings, none open" ||
  wrong "records: $findings findings, $pending open"
alerts=0
for _ in 1 2 3 4 5; do
  got="$(aws sqs receive-message --queue-url "$(url inbox)" --max-number-of-messages 10 \
    --wait-time-seconds 2 --message-attribute-names All --output json | jq '[.Messages[]?.Body |
    fromjson | select(.kind == "flagged") | .count] | add // 0' 2>/dev/null || echo 0)"
  alerts=$((alerts + ${got:-0}))
  ((alerts >= 2)) && break
done
((alerts >= 2)) && saw "SNS: the alerts came, with their attributes" || wrong "SNS: $alerts of 2 alerted"
dead="$(aws sqs get-queue-attributes --queue-url "$(url dead)" \
  --attribute-names ApproximateNumberOfMessages --query 'Attributes.*' --output text)"
[[ "$dead" == 0 ]] || wrong "$dead messages in the dead-letter queue"
denied="$(grep -c 'AccessDenied' "$work/log" || true)"
[[ "$denied" == 0 ]] && saw "IAM: nothing was denied" || wrong "IAM: $denied lines of the log say AccessDenied"

# S3 on its own: what the emulator may see otherwise than AWS does.
etag="$(aws s3api put-object --bucket "$uploads" --key aside/if-match --body "$work/clean.jpg" \
  --query ETag --output text)"
aws s3api delete-object --bucket "$uploads" --key aside/if-match >/dev/null
answer="$(aws s3api delete-object --bucket "$uploads" --key aside/if-match --if-match "$etag" 2>&1 || true)"
saw "DELETE with If-Match where a marker lies: ${answer:-succeeded}"
answer="$(aws s3api delete-object --bucket "$uploads" --key aside/never --if-match "$etag" 2>&1 || true)"
saw "DELETE with If-Match where nothing ever lay: ${answer:-succeeded}"

say "what only AWS can prove, and what was seen"
printf '  %s\n' "${seen[@]}"
say "not tried here: Object Lock and MFA delete, customer-managed KMS keys, requester pays, archived \
classes, buckets of another account, suspended versioning, FIFO-like storms, quotas of the model"
exit "$failed"
