#!/usr/bin/env bash
# Lets guarded buckets tell s3-warden of every upload, beside whatever they tell others already.
#
#   deploy/notify.sh --queue-arn ARN [--prefix P] [--suffix S] BUCKET...
#   deploy/notify.sh --eventbridge BUCKET...
#   deploy/notify.sh --remove BUCKET...
#
# S3 keeps one notification configuration per bucket, and a plain `aws s3api
# put-bucket-notification-configuration` replaces all of it. This reads what is there, puts its own
# entry (named "s3-warden") in or in place of the last one, and writes it back: safe to repeat. Two who
# change the same bucket at the same moment can still overwrite each other: S3 has no condition here.
#
#   --queue-arn ARN   The queue to tell: output UploadQueueArn of intake.yaml.
#   --prefix P        Tell only of keys that begin so; --suffix S: that end so (as the keys are written;
#                     S3 looks at the case of letters).
#   --eventbridge     Turn EventBridge on instead, for buckets that already tell somebody else of the
#                     same keys; their names stand in EventBridgeBuckets of intake.yaml. Not undone by
#                     --remove, since others may have come to rely on it.
#   --remove          Take the entry out again.
#   --id NAME         Another name for the entry: for a second prefix.
#   --region R        The Region of the buckets.
#   --dry-run         Show what would be written, and write nothing.
#
# Needed: the AWS CLI, and s3:GetBucketNotification and s3:PutBucketNotification on the buckets. The
# buckets have to belong to the account that calls. Exit code 64 for wrong usage.
set -euo pipefail

usage() {
  echo "notify.sh: $1; see deploy/notify.sh --help" >&2
  exit 64
}

queue="" prefix="" suffix="" mode="" id="s3-warden" dry=""
buckets=()
while (($# > 0)); do
  case "$1" in
    --queue-arn | --prefix | --suffix | --id | --region)
      (($# > 1)) || usage "$1 needs a value"
      case "$1" in
        --queue-arn) queue="$2" ;;
        --prefix) prefix="$2" ;;
        --suffix) suffix="$2" ;;
        --id) id="$2" ;;
        --region) export AWS_REGION="$2" AWS_DEFAULT_REGION="$2" ;;
      esac
      shift 2
      ;;
    --eventbridge | --remove)
      [[ -z "$mode" || "$mode" == "${1#--}" ]] || usage "--eventbridge and --remove exclude each other"
      mode="${1#--}"
      shift
      ;;
    --dry-run) dry=yes && shift ;;
    -h | --help)
      sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
      exit 0
      ;;
    -*) usage "$1 is no option" ;;
    *) buckets+=("$1") && shift ;;
  esac
done

((${#buckets[@]} > 0)) || usage "no bucket is named"
[[ "$id" =~ ^[A-Za-z0-9._-]+$ ]] || usage "--id takes letters, digits, '.', '_' and '-'"
# These go into JSON inside of a query, where such characters would end something.
for text in "$prefix" "$suffix"; do
  [[ "$text" != *[\"\\\`]* ]] || usage "a prefix or suffix cannot hold quotes, backslashes or backticks"
done
case "$mode" in
  "")
    [[ "$queue" =~ ^arn:[a-z-]+:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$ ]] ||
      usage "--queue-arn needs the ARN of a queue, such as arn:aws:sqs:eu-west-1:123456789012:uploads"
    ;;
  *) [[ -z "$queue$prefix$suffix" ]] || usage "--$mode goes without a queue, a prefix or a suffix" ;;
esac
command -v aws >/dev/null || usage "the AWS CLI (aws) is not installed"

# What stands in the configuration besides our entry, and our entry, as a JMESPath expression: the
# CLI merges by itself, and nothing else is needed.
others="QueueConfigurations[?Id!='$id'] || \`[]\`"
rules=()
[[ -z "$prefix" ]] || rules+=("{\"Name\":\"Prefix\",\"Value\":\"$prefix\"}")
[[ -z "$suffix" ]] || rules+=("{\"Name\":\"Suffix\",\"Value\":\"$suffix\"}")
filter=""
if ((${#rules[@]} > 0)); then
  filter=",\"Filter\":{\"Key\":{\"FilterRules\":[$(
    IFS=,
    echo "${rules[*]}"
  )]}}"
fi
entry="{\"Id\":\"$id\",\"QueueArn\":\"$queue\",\"Events\":[\"s3:ObjectCreated:*\"]$filter}"
case "$mode" in
  "") merge="merge(@, {QueueConfigurations: [$others, \`[$entry]\`][]})" ;;
  remove) merge="merge(@, {QueueConfigurations: $others})" ;;
  eventbridge) merge="merge(@, {EventBridgeConfiguration: \`{}\`})" ;;
esac

# Whether two configurations say the same. S3 may answer with another case of these names than it was
# given.
alike() {
  local one="$1" two="$2" name
  for name in Prefix Suffix; do
    one="${one//\"Name\":\"$name\"/\"Name\":\"${name,}\"}"
    two="${two//\"Name\":\"$name\"/\"Name\":\"${name,}\"}"
  done
  [[ "$one" == "$two" ]]
}

export AWS_PAGER=""
# A bucket of somebody else under a name that we took for ours is refused.
owner="$(aws sts get-caller-identity --query Account --output text)"
failed=0
for bucket in "${buckets[@]}"; do
  # Both as JSON texts on one line, between them a tab, which JSON never holds as it is.
  if ! both="$(aws s3api get-bucket-notification-configuration --output text \
    --query "[to_string(@), to_string($merge)]" \
    --bucket "$bucket" --expected-bucket-owner "$owner")"; then
    echo "notify.sh: $bucket: its notifications could not be read; nothing was changed" >&2
    failed=1
    continue
  fi
  IFS=$'\t' read -r now next <<<"$both"
  if alike "$now" "$next"; then
    echo "$bucket: stands already"
  elif [[ -n "$dry" ]]; then
    echo "$bucket: would be"
    echo "$next"
  elif aws s3api put-bucket-notification-configuration --notification-configuration "$next" \
    --bucket "$bucket" --expected-bucket-owner "$owner"; then
    echo "$bucket: done"
  else
    echo "notify.sh: $bucket: not changed. If S3 says that it cannot validate the destination, the" \
      "bucket is not named in GuardedBuckets of intake.yaml. If it says that configurations overlap," \
      "somebody else is told of the same keys: use --eventbridge and EventBridgeBuckets." >&2
    failed=1
  fi
done
exit "$failed"
