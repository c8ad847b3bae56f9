#!/usr/bin/env bash
# Builds the container image for amd64 and arm64, and checks what comes out: ./tests/image.sh [OPTION]...
#
#   --only A   amd64 or arm64 alone; without it both
#   --local-detector
#              build with LOCAL_DETECTOR=1; the program for amd64 reads two pictures as well
#   --pull     take the bases that the Dockerfile names from their registries; without it no registry
#              of images is asked, and substitutes are made of Debian's packages
#   --clean    forget bases and layers of earlier runs, and build from nothing; otherwise what has not
#              changed is taken from there
#   --help     this text
#
# It needs Linux on amd64 and root (it mounts), but no daemon:
#   apt-get install buildah binutils curl debootstrap jq procps qemu-user-static util-linux
#   rustup with the toolchain that the Dockerfile names, for both architectures
# Bases, layers and logs are kept under target/image/. The program for amd64 runs between the
# stand-ins as a container would: in namespaces of its own, as user 65532, with nothing that it could
# write to; the one for arm64 runs under QEMU. S3_WARDEN_STORAGE_DRIVER=vfs is for machines where
# overlay file systems cannot be mounted (slower, and several times the space).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

LARGEST_BYTES=60000000
ARCHITECTURES=(amd64 arm64)
NAME=localhost/s3-warden
WORK="$PWD/target/image"
LOGS="$WORK/logs"

pull=false
clean=false
detector=0
only=""
for option in "$@"; do
  if [[ "$only" == "?" ]]; then
    only="$option"
    continue
  fi
  case "$option" in
    --only) only="?" ;;
    --pull) pull=true ;;
    --local-detector) detector=1 ;;
    --clean) clean=true ;;
    -h | --help)
      sed -n '2,/^set /{/^set /!s/^# \{0,1\}//p}' tests/image.sh
      exit 0
      ;;
    *)
      echo "$option is not known; see tests/image.sh --help" >&2
      exit 64
      ;;
  esac
done

case "$only" in
  "") ;;
  amd64 | arm64) ARCHITECTURES=("$only") ;;
  *)
    echo "--only takes amd64 or arm64; see tests/image.sh --help" >&2
    exit 64
    ;;
esac

# Everything that is missing, at once.
needs() {
  local missing=() pair
  [[ "$(uname -sm)" == "Linux x86_64" ]] || missing+=("Linux on amd64")
  ((EUID == 0)) || missing+=("root: sudo tests/image.sh")
  for pair in buildah:buildah readelf:binutils curl:curl debootstrap:debootstrap jq:jq \
    pgrep:procps qemu-aarch64-static:qemu-user-static unshare:util-linux nsenter:util-linux; do
    command -v "${pair%%:*}" >/dev/null || missing+=("${pair%%:*}: apt-get install ${pair#*:}")
  done
  command -v rustup >/dev/null || missing+=("rustup: https://rustup.rs")
  if ((${#missing[@]} > 0)); then
    printf 'needed: %s\n' "${missing[@]}" >&2
    exit 69
  fi
}
needs

# What is mounted belongs to this run alone, and goes with it. unshare becomes this script again, so
# the number of the process tells the second time from the first.
if [[ "${S3_WARDEN_IMAGE_PROCESS:-}" != "$$" ]]; then
  export S3_WARDEN_IMAGE_PROCESS="$$"
  exec unshare --mount --propagation private -- tests/image.sh "$@" </dev/null
fi

source tests/image-bases.sh
source tests/image-contained.sh

current="start"
began=$SECONDS
# Asked once: a commit made while the image is built is not what it was built from.
REVISION="$(git rev-parse HEAD)"
readonly REVISION
state="$(mktemp -d)"
standins=""
service=""
finish() {
  local status=$? process
  # The container's own process outlives the one that waits for it, having changed its user.
  for process in $([[ -z "$service" ]] || pgrep --parent "$service") $service $standins; do
    kill -KILL "$process" 2>/dev/null || true
  done
  image_tool umount --all >/dev/null 2>&1 || true
  umount "$WORK/storage/overlay" 2>/dev/null || true
  rm -rf "$state"
  if ((status != 0)); then
    echo "== FAILED: $current, after $((SECONDS - began)) s; logs are in target/image/logs" >&2
  fi
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

step() {
  current="$1"
  shift
  echo "== $current"
  local before=$SECONDS
  "$@"
  echo "== $current: $((SECONDS - before)) s"
}

fail() {
  echo "$1" >&2
  exit 1
}

image_tool() {
  buildah --root "$WORK/storage" --runroot "$state/run" \
    --storage-driver "${S3_WARDEN_STORAGE_DRIVER:-overlay}" "$@"
}

# argument NAME: the default of a build argument in the Dockerfile.
argument() {
  sed -n "s/^ARG $1=//p" Dockerfile
}

runtime_base() {
  if $pull; then argument RUNTIME_IMAGE; else echo "localhost/substitute/runtime:$RUNTIME_RELEASE-$1"; fi
}

# The version of the program, as its manifest has it.
version() {
  sed -n '0,/^version = /s/^version = "\(.*\)"/\1/p' Cargo.toml
}

machine_of() {
  case "$1" in amd64) echo x86_64 ;; arm64) echo aarch64 ;; esac
}

prepare() {
  if $clean; then
    rm -rf "$WORK"
  fi
  mkdir -p "$LOGS"
  exec {lock}>"$WORK/lock"
  flock --nonblock "$lock" || fail "another run is under way in target/image"
  # Left over by a run that was killed.
  image_tool rm --all >/dev/null
  cargo build --locked --quiet --package s3-warden-standins --bin standins
  buildah --version
  if $pull; then
    echo "bases: those that the Dockerfile names"
    return
  fi
  local image version architecture
  image="$(argument RUST_IMAGE)"
  version="$(sed 's/.*rust:\([0-9.]*\)-.*/\1/' <<<"$image")"
  rust_base="localhost/substitute/rust:$version-$RUNTIME_RELEASE"
  made "$rust_base" || base_rust "$rust_base" "$version"
  echo "SUBSTITUTE for $image: Debian $RUNTIME_RELEASE with this machine's toolchain $version"
  for architecture in "${ARCHITECTURES[@]}"; do
    made "$(runtime_base "$architecture")" ||
      base_runtime "$(runtime_base "$architecture")" "$architecture"
  done
  echo "SUBSTITUTE for $(argument RUNTIME_IMAGE): Debian's packages" "${RUNTIME_PACKAGES[@]}"
}

made() {
  image_tool inspect --type image "$1" >/dev/null 2>&1
}

# build ARCHITECTURE: the stage that compiles under a name of its own, then the image.
build() {
  local architecture="$1" log="$LOGS/build-$1.log" bundle=/etc/ssl/certs/ca-certificates.crt
  local arguments=(bud --isolation chroot --layers --platform "linux/$architecture"
    # The format of OCI has no health check.
    --format docker --build-arg "LOCAL_DETECTOR=$detector"
    # Known to docker by itself, but not to older versions of buildah.
    --build-arg BUILDPLATFORM=linux/amd64
    --label "org.opencontainers.image.revision=$REVISION")
  if $pull; then
    arguments+=(--pull)
  else
    arguments+=(--pull-never --build-arg "RUST_IMAGE=$rust_base"
      --build-arg "RUNTIME_IMAGE=$(runtime_base "$architecture")")
  fi
  # How this machine reaches crates, if that is special: mounted while a step runs, in no layer.
  if [[ -e "$bundle" ]]; then
    arguments+=(--volume "$bundle:$bundle:ro")
  fi
  local settings="${CARGO_HOME:-$HOME/.cargo}/config.toml"
  if [[ -e "$settings" ]]; then
    arguments+=(--volume "$settings:/usr/local/cargo/config.toml:ro")
  fi
  if ! image_tool "${arguments[@]}" --target build --tag "$NAME-build:$architecture" . >"$log" 2>&1 ||
    ! image_tool "${arguments[@]}" --tag "$NAME:$architecture" . >>"$log" 2>&1; then
    tail -n 40 "$log" >&2
    exit 1
  fi
  echo "$(grep -c '^ *Compiling ' "$log" || true) packages compiled, the rest is from earlier runs"
  sizes "$architecture"
}

megabytes() {
  awk -v bytes="$1" 'BEGIN { printf "%.1f MB", bytes / 1e6 }'
}

# What is pulled, and what lies on the disk then; and what of it is ours.
sizes() {
  local architecture="$1" layout="$WORK/oci-$1" base layer bytes nth=0 stage root machine linked
  local packed=0 unpacked=0 own_packed=0 own_unpacked=0
  machine="$(machine_of "$architecture")"
  base="$(image_tool inspect --type image "$(runtime_base "$architecture")" |
    jq '.OCIv1.rootfs.diff_ids | length')"
  rm -rf "$layout"
  image_tool push --quiet "$NAME:$architecture" "oci:$layout" >/dev/null 2>"$LOGS/push.log"
  : >"$LOGS/files-$architecture"
  while read -r layer; do
    bytes="$(gzip --decompress --stdout "$layer" | wc --bytes)"
    packed=$((packed + $(stat --format %s "$layer")))
    unpacked=$((unpacked + bytes))
    nth=$((nth + 1))
    if ((nth > base)); then
      own_packed=$((own_packed + $(stat --format %s "$layer")))
      own_unpacked=$((own_unpacked + bytes))
      tar --list --gzip --file "$layer" >>"$LOGS/files-$architecture"
    fi
  done < <(layers "$layout")
  echo "image for $architecture: $(megabytes $packed) compressed (base $(megabytes \
    $((packed - own_packed)))), $(megabytes $unpacked) uncompressed (base $(megabytes \
    $((unpacked - own_unpacked))))"
  stage="$(image_tool from --pull-never "$NAME-build:$architecture")"
  root="$(image_tool mount "$stage")"
  linked="$root/build/target/$machine-unknown-linux-gnu/release/s3-warden"
  echo "program for $architecture: $(megabytes "$(stat --format %s "$linked")") with symbols," \
    "$(megabytes "$(stat --format %s "$root/image/usr/local/bin/s3-warden")") without"
  image_tool rm "$stage" >/dev/null
  # The bound is for the image without weights.
  ((detector == 1 || packed < LARGEST_BYTES)) ||
    fail "the image for $architecture has $packed bytes compressed; the bound is $LARGEST_BYTES"
}

# The files of an image's layers, lowest first.
layers() {
  local blobs="$1/blobs/sha256" manifest
  manifest="$(jq --raw-output '.manifests[0].digest | sub("sha256:"; "")' "$1/index.json")"
  jq --raw-output --arg blobs "$blobs" \
    '.layers[].digest | sub("sha256:"; $blobs + "/")' "$blobs/$manifest"
}

# Nothing but the program and its licences is ours: nothing of this machine, of cargo, of a shell.
contents() {
  local architecture documents=usr/share/doc/s3-warden
  local expected=(usr/local/bin/s3-warden $documents/LICENSE $documents/NOTICE)
  if ((detector == 1)); then
    expected+=($documents/pictures/NOTICE.md $documents/weights/LICENSE-Apache-2.0
      $documents/weights/LICENSE-BSD-2-Clause $documents/weights/NOTICE)
  fi
  for architecture in "${ARCHITECTURES[@]}"; do
    diff <(grep --invert-match '/$' "$LOGS/files-$architecture" | LC_ALL=C sort) \
      <(printf '%s\n' "${expected[@]}") ||
      fail "the layers for $architecture hold other files than expected (above)"
    settings_of_image "$architecture"
  done
  echo "${#expected[@]} files on top of the base, owned by root"
}

settings_of_image() {
  local architecture="$1" image rule
  image="$(image_tool inspect --type image "$NAME:$architecture")"
  while read -r rule; do
    jq --exit-status --arg architecture "$architecture" --arg version "$(version)" \
      --arg revision "$REVISION" ".Docker | $rule" <<<"$image" >/dev/null ||
      fail "the settings of the image for $architecture do not hold: $rule"
  done <<'RULES'
.architecture == $architecture
.config.User == "65532:65532"
.config.Entrypoint == ["/usr/local/bin/s3-warden"]
.config.Cmd == ["run"]
.config.StopSignal == "SIGTERM"
.config.Healthcheck.Test == ["CMD", "/usr/local/bin/s3-warden", "healthcheck"]
.config.Env | map(split("=")[0]) | sort == ["PATH", "SSL_CERT_FILE", "WARDEN_OPS__LISTEN"]
.config.Labels["org.opencontainers.image.version"] == $version
.config.Labels["org.opencontainers.image.revision"] == $revision
.config.Labels["org.opencontainers.image.licenses"] == "Apache-2.0"
RULES
}

# fits ARCHITECTURE ROOT: the program is of that machine, and the base has what it needs.
fits() {
  local architecture="$1" root="$2" program="$2/usr/local/bin/s3-warden" library wanted owner trusted
  wanted="$(readelf --file-header "$program" | sed -n 's/^ *Machine: *//p')"
  case "$architecture:$wanted" in
    "amd64:Advanced Micro Devices X86-64" | arm64:AArch64) ;;
    *) fail "the program for $architecture is for $wanted" ;;
  esac
  owner="$(stat --format '%u:%g %a' "$program")"
  [[ "$owner" == "0:0 755" ]] || fail "the program for $architecture belongs to $owner, not to root"
  while read -r library; do
    [[ -n "$(find "$root/lib" "$root/lib64" "$root/usr/lib" -name "$library" 2>/dev/null)" ]] ||
      fail "the program for $architecture needs $library, which the base does not have"
  done < <(readelf --dynamic "$program" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
  trusted="$(grep --count 'BEGIN CERTIFICATE' "$root/etc/ssl/certs/ca-certificates.crt" || true)"
  ((trusted > 100)) || fail "the base for $architecture has $trusted CA certificates"
  echo "$architecture: $trusted CA certificates; $wanted, needs" $(readelf --dynamic "$program" |
    sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p') "and $(readelf --version-info "$program" |
    grep --only-matching 'GLIBC_[0-9.]*' | sort --version-sort --unique | tail -n 1)"
}

check_amd64() {
  local container
  container="$(image_tool from --pull-never "$NAME:amd64")"
  ROOT="$(image_tool mount "$container")"
  fits amd64 "$ROOT"
  contained_commands
  ((detector == 0)) || contained_pictures
  contained_service
  image_tool rm "$container" >/dev/null
}

check_arm64() {
  local container root version
  container="$(image_tool from --pull-never --arch arm64 "$NAME:arm64")"
  root="$(image_tool mount "$container")"
  fits arm64 "$root"
  # QEMU takes the dynamic linker and the libraries of the image, not of this machine.
  version="$(env -i qemu-aarch64-static -L "$root" "$root/usr/local/bin/s3-warden" --version)"
  echo "under QEMU: $version"
  qemu_exit 1 "$root" healthcheck
  qemu_exit 64 "$root" run
  image_tool rm "$container" >/dev/null
}

# qemu_exit CODE ROOT COMMAND: the exit code of a command on the other architecture.
qemu_exit() {
  local status=0
  # The variable is there already, so the program has no cause to start itself once more: the kernel
  # would not start it under QEMU.
  env -i MALLOC_MMAP_THRESHOLD_=131072 qemu-aarch64-static -L "$2" "$2/usr/local/bin/s3-warden" "$3" \
    >"$LOGS/arm64-$3.log" 2>&1 ||
    status=$?
  ((status == $1)) || { cat "$LOGS/arm64-$3.log" >&2; fail "$3 under QEMU exits with $status, not $1"; }
  echo "under QEMU: $3 exits with $status"
}

rust_base=""
step "prepare" prepare
for architecture in "${ARCHITECTURES[@]}"; do
  step "build for $architecture" build "$architecture"
done
step "contents" contents
for architecture in "${ARCHITECTURES[@]}"; do
  step "try $architecture" "check_$architecture"
done

echo "== all steps passed in $((SECONDS - began)) s"
