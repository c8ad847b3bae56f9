#!/usr/bin/env bash
# Marks what lay in a bucket before it was guarded, so that deploy/bucket-policy.json does not lock it:
#
#   deploy/tag-existing.sh --before 2026-11-22T12:00:00Z [--findings FOLDER] [--prefix PREFIX]
#     [--jobs N] [--settled MINUTES] [--write] BUCKET
#
# Every version that is older than --before and has no tag `s3-warden` gets the tag `s3-warden=allowed`
# beside those that it has: a person has decided, nothing was looked at. Without --write it only counts.
# Give as --before the moment from which the service with policy.tag = "all" looked at every upload:
# what came later gets its verdict from it. It has to be 15 minutes ago, or --settled MINUTES.
#
# What has a finding is left as it is, whatever became of it: flagged while tags were off, held, or never
# tagged because that failed. So --write needs the findings, as the records bucket has them:
#   aws s3 sync s3://RECORDS/findings/ FOLDER
#
# NOTHING THAT IS OLDER MAY BE JUDGED MEANWHILE: S3 has no condition for tags, and a verdict that is
# written between our look at a version's tags and our write, half a second, would be lost. So: both
# queues are empty of older messages, and nobody redrives dead letters or applies what was held until
# this has ended; or `s3-warden pause`, wait until nothing is in hand (messages_held), take the findings
# then, and `s3-warden resume` afterwards: what waited gets its own verdict in place of this tag.
#
# Safe to repeat, and to go on with after a stop: what has the tag is passed over, whatever its value.
# Run it before the policy is attached, or under a role that the policy names. It needs
# s3:ListBucketVersions, s3:GetObjectVersionTagging and s3:PutObjectVersionTagging (on a bucket
# without versioning s3:GetObjectTagging and s3:PutObjectTagging as well), the AWS CLI, version 2, and jq.
# The AWS CLI takes about half a second of processor time for each of the two requests that a version
# needs: expect one version a second from each core. For more than some ten thousand take S3 Batch
# Operations with an inventory, and mind that its "replace all object tags" replaces: RUNBOOK.md.
#
# Exit codes: 0 done, 1 some could not be marked (named on standard error), 64 usage, 69 a tool is
# missing, or the bucket or a finding cannot be read.
set -euo pipefail

TAG=s3-warden
# What one object can have ("Categorizing your objects using tags", Amazon S3 User Guide).
MOST_TAGS=10

usage() {
  sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"
}

# One version, as a line of JSON; says in one word what became of it. The key never becomes a word of a
# command line: the CLI would take `-x` for an option and `file://x` for a file, and bash cut a line
# break off its end. Whole requests are handed over as JSON instead.
mark() {
  local line="$1" said="$WORK/said.$$" present request
  request="$(jq -ac --arg bucket "$BUCKET" '{Bucket: $bucket, Key, VersionId}' <<<"$line")"
  if ! present="$(aws s3api get-object-tagging --cli-input-json "$request" --output json 2>"$said")"; then
    failed "$line" "$(cat "$said")"
    return
  fi
  # An answer that is none would count as one without our tag, or end us.
  if ! jq -e '.TagSet | type == "array"' <<<"${present:-null}" >/dev/null 2>&1; then
    failed "$line" "its tags were not told"
    return
  fi
  if jq -e --arg tag "$TAG" 'any(.TagSet[]; .Key == $tag)' <<<"$present" >/dev/null; then
    echo marked-before
    return
  fi
  if (($(jq '.TagSet | length' <<<"$present") >= MOST_TAGS)); then
    failed "$line" "it has $MOST_TAGS tags already"
    return
  fi
  if [[ -z "$WRITE" ]]; then
    echo to-mark
    return
  fi
  request="$(jq -ac --arg tag "$TAG" --argjson request "$request" \
    '$request + {Tagging: {TagSet: (.TagSet + [{Key: $tag, Value: "allowed"}])}}' <<<"$present")"
  if ! aws s3api put-object-tagging --cli-input-json "$request" --output json >"$said" 2>&1; then
    failed "$line" "$(cat "$said")"
    return
  fi
  echo marked
}

# A version that is gone by now needs no mark.
failed() {
  if [[ "$2" == *NoSuchKey* || "$2" == *NoSuchVersion* ]]; then
    echo gone
    return
  fi
  printf 'not marked: %s: %s\n' "$1" "$(tail -n 1 <<<"$2")" >&2
  echo failed
}

if [[ "${1:-}" == --mark ]]; then
  mark "$2"
  rm -f "$WORK/said.$$"
  exit 0
fi

before="" findings="" prefix="" jobs=8 settled=15 write="" bucket=""
while (($#)); do
  case "$1" in
    --before | --findings | --prefix | --jobs | --settled)
      (($# > 1)) || { echo "$1 needs a value" >&2; exit 64; }
      case "$1" in
        --before) before="$2" ;;
        --findings) findings="$2" ;;
        --prefix) prefix="$2" ;;
        --jobs) jobs="$2" ;;
        --settled) settled="$2" ;;
      esac
      shift 2
      ;;
    --write) write=1; shift ;;
    -h | --help) usage; exit 0 ;;
    -*) echo "$1 is not known" >&2; usage >&2; exit 64 ;;
    *)
      [[ -z "$bucket" ]] || { echo "one bucket at a time" >&2; exit 64; }
      bucket="$1"
      shift
      ;;
  esac
done
[[ -n "$bucket" ]] || { usage >&2; exit 64; }
[[ "$before" =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$ ]] || {
  echo "--before is needed, as 2026-11-22T12:00:00Z (UTC)" >&2
  exit 64
}
[[ "$jobs" =~ ^[1-9][0-9]*$ ]] || { echo "--jobs takes a number" >&2; exit 64; }
[[ "$settled" =~ ^[0-9]{1,6}$ ]] || { echo "--settled takes minutes" >&2; exit 64; }
[[ -z "$findings" || -d "$findings" ]] || { echo "$findings is no folder" >&2; exit 64; }
[[ -z "$write" || -n "$findings" ]] || {
  echo "--write needs --findings: what has a finding must not be allowed by the way (see --help)" >&2
  exit 64
}
for tool in aws jq xargs; do
  command -v "$tool" >/dev/null || { echo "$tool is needed" >&2; exit 69; }
done
# A day that no month has is told as another one.
jq -en --arg time "$before" '$time | (fromdateiso8601 | todateiso8601) == $time' >/dev/null 2>&1 || {
  echo "--before: $before is no time" >&2
  exit 64
}
jq -en --arg time "$before" --arg settled "$settled" \
  '($time | fromdateiso8601) + ($settled | tonumber) * 60 <= now' >/dev/null || {
  echo "--before has to be $settled minutes ago at least: what came since may be about to be judged" >&2
  exit 64
}

export BUCKET="$bucket" WRITE="$write" AWS_PAGER=""
# The CLI waits and tries again when S3 asks it to slow down.
export AWS_RETRY_MODE="${AWS_RETRY_MODE:-adaptive}" AWS_MAX_ATTEMPTS="${AWS_MAX_ATTEMPTS:-8}"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
export WORK="$work"

# The versions that have a finding, by their keys. One that was not read has no version in its finding:
# then it may be any under the key.
touch "$work/known"
if [[ -n "$findings" ]] && ! find "$findings" -type f -name '*.json' -print0 |
  xargs -r -0 jq -ac --arg bucket "$bucket" 'select(.subject.bucket? == $bucket).subject
    | [.key, .object.pin.version]' >"$work/known"; then
  echo "a finding below $findings cannot be read" >&2
  exit 69
fi
jq -ac -n 'reduce inputs as [$key, $version] ({}; .[$key] += [$version])' "$work/known" >"$work/findings"

asked="$(jq -acn --arg bucket "$bucket" --arg prefix "$prefix" '{Bucket: $bucket, Prefix: $prefix}')"
token="" seen=0
while :; do
  page=(--cli-input-json "$asked" --max-items 1000 --output json)
  [[ -z "$token" ]] || page+=(--starting-token "$token")
  aws s3api list-object-versions "${page[@]}" >"$work/page" || exit 69
  # Times are compared as text: all are UTC, and a fraction of a second is cut off.
  jq -ac --arg before "${before%Z}" --slurpfile findings "$work/findings" '(.Versions // [])[]
    | select(.LastModified[0:19] < $before)
    | {Key, VersionId, found: (.VersionId as $id | $findings[0][.Key] // [] | any(. == null or . == $id))}' \
    "$work/page" >"$work/all"
  jq -r 'select(.found) | "found"' "$work/all" >>"$work/done"
  jq -ac 'select(.found | not) | {Key, VersionId}' "$work/all" >"$work/lines"
  # One that is killed ends its row; what nobody has told of is counted below.
  xargs -r -d '\n' -n 1 -P "$jobs" bash "$0" --mark <"$work/lines" >>"$work/done" || true
  seen=$((seen + $(wc -l <"$work/all")))
  [[ ! -t 2 ]] || printf '\r%d versions looked at' "$seen" >&2
  token="$(jq -r '.NextToken // empty' "$work/page")"
  [[ -n "$token" ]] || break
done
[[ ! -t 2 ]] || printf '\r\033[K' >&2

count() { grep -cx "$1" "$work/done" || true; }
touch "$work/done"
row() { printf '%-40s %d\n' "$1" "$2"; }
row "versions before $before" "$seen"
if [[ -n "$write" ]]; then
  row "marked as allowed now" "$(count marked)"
else
  row "would be marked as allowed (--write)" "$(count to-mark)"
fi
row "have a tag $TAG already" "$(count marked-before)"
row "have a finding, and are left" "$(count found)"
row "gone meanwhile" "$(count gone)"
told=$(($(wc -l <"$work/done") - $(count failed)))
row "could not be marked" "$((seen - told))"
((seen == told)) || exit 1
