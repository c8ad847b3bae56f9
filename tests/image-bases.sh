#!/usr/bin/env bash
# What stands in for the two bases of the Dockerfile where their registries cannot be reached; sourced
# by tests/image.sh, which sets storage and architectures.
#
# The Rust base is Debian with a C compiler (debootstrap) and the toolchain of this machine. The
# runtime base is what the real one is made of: Debian's packages, unpacked and not installed, with a
# user `nonroot`; so the size of an image on it says something about the real size.

# The packages of gcr.io/distroless/cc-debian13, of the release that both bases are of.
RUNTIME_PACKAGES=(base-files ca-certificates gcc-14-base libc6 libgcc-s1 libgomp1 libssl3t64 libstdc++6
  libzstd1 media-types netbase tzdata zlib1g)
RUNTIME_RELEASE=trixie

# The mirror that this machine's own apt uses.
mirror() {
  apt-get indextargets --format '$(SITE)' 'Created-By: Packages' |
    awk '/\/debian$/ { site = $0 } END { print site ? site : "http://deb.debian.org/debian" }'
}

# base_rust NAME VERSION: commits the substitute for `rust:VERSION-slim-trixie` as NAME.
base_rust() {
  local name="$1" version="$2" container root sysroot toolchain tool
  if ! sysroot="$(rustup run "$version" rustc --print sysroot)"; then
    echo "no toolchain $version here: rustup toolchain install $version --profile minimal \\" >&2
    echo "  --target aarch64-unknown-linux-gnu --target x86_64-unknown-linux-gnu" >&2
    return 69
  fi
  toolchain="$version-$(rustc -vV | sed -n 's/^host: //p')"
  container="$(image_tool from scratch)"
  root="$(image_tool mount "$container")"
  debootstrap --variant=minbase --include=ca-certificates,gcc,libc6-dev \
    "$RUNTIME_RELEASE" "$root" "$(mirror)" >"$WORK/debootstrap.log" ||
    { tail -n 20 "$WORK/debootstrap.log" >&2; return 69; }
  mkdir -p "$root/usr/local/cargo/bin" "$root/usr/local/rustup/toolchains/$toolchain"
  tar --create --directory "$(readlink -f "$sysroot")" bin lib |
    tar --extract --directory "$root/usr/local/rustup/toolchains/$toolchain"
  cp "$(command -v rustup)" "$root/usr/local/cargo/bin/rustup"
  for tool in cargo rustc; do
    ln -s rustup "$root/usr/local/cargo/bin/$tool"
  done
  printf 'version = "12"\ndefault_toolchain = "%s"\nprofile = "minimal"\n\n[overrides]\n' \
    "$toolchain" >"$root/usr/local/rustup/settings.toml"
  image_tool config --env RUSTUP_HOME=/usr/local/rustup --env CARGO_HOME=/usr/local/cargo \
    --env "PATH=/usr/local/cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
    "$container"
  image_tool umount "$container" >/dev/null
  image_tool commit --quiet --rm "$container" "$name" >/dev/null
}

# base_runtime NAME ARCHITECTURE: commits the substitute for the runtime base as NAME.
base_runtime() {
  local name="$1" architecture="$2" container root package
  packages_fetch "$architecture"
  container="$(image_tool from --arch "$architecture" scratch)"
  root="$(image_tool mount "$container")"
  for package in "$WORK/debs-$architecture"/*.deb; do
    dpkg-deb --extract "$package" "$root"
  done
  # What installing would have done: one file with all certificates.
  mkdir -p "$root/etc/ssl/certs" "$root/home/nonroot"
  find "$root/usr/share/ca-certificates" -name '*.crt' | LC_ALL=C sort | xargs cat \
    >"$root/etc/ssl/certs/ca-certificates.crt"
  printf '%s\n' 'root:x:0:0:root:/root:/sbin/nologin' \
    'nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin' \
    'nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin' >"$root/etc/passwd"
  printf '%s\n' 'root:x:0:' 'nobody:x:65534:' 'nonroot:x:65532:' >"$root/etc/group"
  chown 65532:65532 "$root/home/nonroot"
  chmod 0700 "$root/home/nonroot"
  image_tool config --user 65532 --workingdir /home/nonroot \
    --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    --env SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt "$container"
  image_tool umount "$container" >/dev/null
  image_tool commit --quiet --rm "$container" "$name" >/dev/null
}

# Fetches Debian's packages for an architecture, with a state of apt's own: this machine keeps its own
# architectures and sources. apt checks the signatures.
packages_fetch() {
  local architecture="$1" state="$WORK/apt-$1" site keyring
  site="$(mirror)"
  keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  # Packages of an earlier run, or release, would be unpacked as well.
  rm -rf "$WORK/debs-$architecture"
  mkdir -p "$state/lists/partial" "$state/archives/partial" "$WORK/debs-$architecture"
  : >"$state/status"
  printf 'deb [signed-by=%s] %s %s main\n' "$keyring" "$site" "$RUNTIME_RELEASE" \
    "$keyring" "$site-security" "$RUNTIME_RELEASE-security" >"$state/sources.list"
  local options=(-qq -o "APT::Architecture=$architecture" -o "APT::Architectures=$architecture"
    -o "Dir::State::lists=$state/lists" -o "Dir::State::status=$state/status"
    -o "Dir::Cache=$state" -o "Dir::Cache::archives=$state/archives"
    -o "Dir::Etc::sourcelist=$state/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o Acquire::Languages=none -o APT::Sandbox::User=root)
  apt-get "${options[@]}" update
  (cd "$WORK/debs-$architecture" && apt-get "${options[@]}" download "${RUNTIME_PACKAGES[@]}")
}
