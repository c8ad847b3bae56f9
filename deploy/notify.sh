#!/usr/bin/env bash
# Lets guarded buckets tell s3-warden of every upload, beside whatever they tell others already.
#
#   deploy/notify.sh --queue-arn ARN [--prefix P] [--suffix S] BUCKET...
#   deploy/notify.sh --eventbridge BUCKET...
#   deploy/notify.sh --remove --queue-arn ARN [--id NAME] BUCKET...
#
# S3 keeps one notification configuration per bucket, and a plain `aws s3api
# put-bucket-notification-configuration` replaces all of it. This reads what is there, puts its own
# entry (named "s3-warden") in, and writes it back: safe to repeat. An entry of this name that tells
# another queue, or of other keys, is left and named. Two who change the same bucket at the same moment
# can still overwrite each other: S3 has no condition here.
#
#   --queue-arn ARN   The queue to tell: output UploadQueueArn of intake.yaml.
#   --prefix P        Tell only of keys that begin so; --suffix S: that end so. Give them as the keys are
#                     written; S3 wants them percent-encoded, and they are written so. S3 looks at the
#                     case of letters, and knows no wildcards.
#   --eventbridge     Turn EventBridge on instead, for buckets that already tell somebody else of the
#                     same keys; their names stand in EventBridgeBuckets of intake.yaml. Not undone by
#                     --remove, since others may have come to rely on it.
#   --remove          Take the entry out again, if it tells this queue.
#   --id NAME         Another name for the entry: for a second prefix, or a second queue.
#   --replace         Put it in place of an entry of its name that tells another queue or of other keys.
#   --region R        The Region of the buckets.
#   --dry-run         Show what would be written, and write nothing.
#
# Needed: the AWS CLI, version 2, and s3:GetBucketNotification and s3:PutBucketNotification on the
# buckets. The buckets have to belong to the account that calls. Exit codes: 0 done, 1 a bucket was left
# as it was (named on standard error), 64 wrong usage, 69 the CLI or credentials are missing.
set -euo pipefail

usage() {
  echo "notify.sh: $1; see deploy/notify.sh --help" >&2
  exit 64
}

# A prefix or suffix as S3 wants it: percent-encoded, a space as a plus ("Configuring event notifications
# using object key name filtering", Amazon S3 User Guide). Written otherwise it is taken, and passes
# nothing on.
encoded() {
  local LC_ALL=C text="$1" out="" at char
  # Whether S3 wants these encoded is told in two ways, and of a star, that it cannot be used.
  [[ "$text" != *[\!\*\'\(\)]* ]] || usage "a prefix or suffix cannot hold ! * ' ( or )"
  [[ "$text" != *%[0-9A-Fa-f][0-9A-Fa-f]* ]] ||
    usage "give a prefix or suffix as the keys are written: '$text' is percent-encoded already"
  [[ "$text" != *[[:cntrl:]]* ]] || usage "a prefix or suffix cannot hold control characters"
  for ((at = 0; at < ${#text}; at++)); do
    char="${text:at:1}"
    case "$char" in
      [A-Za-z0-9/._-]) out+="$char" ;;
      " ") out+="+" ;;
      *) printf -v char '%%%02X' "'$char" && out+="%${char: -2}" ;;
    esac
  done
  [[ "$out" == "$text" ]] || echo "notify.sh: S3 is told '$text' as '$out'" >&2
  printf '%s' "$out"
}

queue="" prefix="" suffix="" mode="" id="s3-warden" replace="" dry=""
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
    --replace) replace=yes && shift ;;
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
if [[ "$mode" == eventbridge ]]; then
  [[ -z "$queue" ]] || usage "--eventbridge goes without a queue"
else
  [[ "$queue" =~ ^arn:[a-z-]+:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$ ]] ||
    usage "--queue-arn needs the ARN of a queue, such as arn:aws:sqs:eu-west-1:123456789012:uploads"
fi
[[ -z "$mode" || -z "$prefix$suffix$replace" ]] ||
  usage "--$mode goes without a prefix, a suffix and --replace"
# What comes out goes into JSON inside of a query, where nothing of it ends anything.
prefix="$(encoded "$prefix")"
suffix="$(encoded "$suffix")"
if ! command -v aws >/dev/null; then
  echo "notify.sh: the AWS CLI (aws) is needed" >&2
  exit 69
fi

# What stands in the configuration besides our entry, and our entry, as a JMESPath expression: the
# CLI merges by itself, and nothing else is needed.
others="QueueConfigurations[?Id!='$id'] || \`[]\`"
ours="(QueueConfigurations[?Id=='$id'] | [0])"
# A word of it, behind a sign that keeps the place of an empty one.
word() { echo "join('', ['=', ($ours.$1 | [0]) || ''])"; }
rule() { word "Filter.Key.FilterRules[?Name=='$1' || Name=='${1,}'].Value"; }
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
if ! owner="$(aws sts get-caller-identity --query Account --output text)" || [[ -z "$owner" ]]; then
  echo "notify.sh: AWS does not say which account this is: credentials are missing or have ended" >&2
  exit 69
fi
failed=0
for bucket in "${buckets[@]}"; do
  # JSON texts on one line, between them tabs, which JSON never holds as they are.
  query="to_string(@), to_string($merge), $(word '[QueueArn]'), $(rule Prefix)"
  if ! answer="$(aws s3api get-bucket-notification-configuration --output text \
    --query "[$query, $(rule Suffix)]" \
    --bucket "$bucket" --expected-bucket-owner "$owner")" || [[ "$answer" != *$'\t'*$'\t'* ]]; then
    echo "notify.sh: $bucket: its notifications could not be read; nothing was changed" >&2
    failed=1
    continue
  fi
  IFS=$'\t' read -r now next there begins ends <<<"$answer"
  there="${there#=}" elsewhere=""
  if [[ -n "$there" && "$mode" != eventbridge ]]; then
    if [[ "$there" != "$queue" ]]; then
      elsewhere="tells $there"
    elif [[ -z "$mode" && "$begins$ends" != "=$prefix=$suffix" ]]; then
      elsewhere="tells this queue of the keys '${begins#=}*${ends#=}'"
    fi
  fi
  if [[ -n "$elsewhere" && "$mode" == remove ]]; then
    echo "notify.sh: $bucket: not changed: its entry $id $elsewhere; give that queue to remove it" >&2
    failed=1
  elif [[ -n "$elsewhere" && -z "$replace" ]]; then
    echo "notify.sh: $bucket: not changed: its entry $id $elsewhere." \
      "Take --id NAME for an entry beside it, or --replace." >&2
    failed=1
  elif [[ "$mode" == remove && -z "$there" ]]; then
    echo "$bucket: has no entry $id"
  elif alike "$now" "$next"; then
    echo "$bucket: stands already"
  elif [[ -n "$dry" ]]; then
    echo "$bucket: would be"
    echo "$next"
  elif aws s3api put-bucket-notification-configuration --notification-configuration "$next" \
    --bucket "$bucket" --expected-bucket-owner "$owner"; then
    echo "$bucket: done"
  else
    echo "notify.sh: $bucket: not changed. If S3 says that it cannot validate a destination: the" \
      "bucket is not named in GuardedBuckets of intake.yaml, or a queue, topic or function that it" \
      "tells already is gone, for S3 tries all of them. If it says that configurations overlap," \
      "somebody else is told of the same keys: use --eventbridge and EventBridgeBuckets." >&2
    failed=1
  fi
done
exit "$failed"
