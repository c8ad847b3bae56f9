# The image of s3-warden: one program on a base without a shell, for amd64 and arm64.
#
#   docker build -t s3-warden .
#   docker buildx build --platform linux/amd64,linux/arm64 -t REGISTRY/s3-warden:0.1.0 --push .
#   docker run --rm s3-warden doctor          (any command of the program; `run` if none is given)
#
# Docker builds it with BuildKit (the default since version 23), which alone knows the platforms below;
# buildah and podman do as well, where `--platform` names another architecture and not `--arch`.
# It needs no writable file system: run it with a read-only root. tests/image.sh builds and checks it.

# Both bases are of the same Debian release, of one whose images are still rebuilt: the program asks
# for the C library that it was linked against, or a newer one. To pin one to the byte, write
# NAME:TAG@sha256:DIGEST, with the digest of the list of platforms
# (`docker buildx imagetools inspect NAME:TAG`).
ARG RUST_IMAGE=docker.io/library/rust:1.95.0-slim-trixie
# The C library, libgcc, CA certificates, time zones, and a user without rights (65532); no shell.
ARG RUNTIME_IMAGE=gcr.io/distroless/cc-debian13:nonroot

# --- What compiles: on the machine's own architecture, for the one that is asked for ---------------
FROM --platform=${BUILDPLATFORM} ${RUST_IMAGE} AS toolchain
RUN case "$(dpkg --print-architecture)" in amd64) other=arm64 gcc=aarch64 ;; *) other=amd64 gcc=x86-64 ;; esac \
 && apt-get update \
 && apt-get install --yes --no-install-recommends "gcc-$gcc-linux-gnu" "libc6-dev-$other-cross" \
 && rm -rf /var/lib/apt/lists/* \
 && rustup target add aarch64-unknown-linux-gnu x86_64-unknown-linux-gnu
WORKDIR /build

# The dependencies' sources, for every architecture and any set of features. Only the manifests
# decide about this stage and the next; cargo wants a source file for each target that they name.
FROM toolchain AS sources
COPY Cargo.toml Cargo.lock ./
COPY tests/standins/Cargo.toml tests/standins/
RUN mkdir -p src tests/standins/src \
 && for root in src tests/standins/src; do : >$root/lib.rs; echo 'fn main() {}' >$root/main.rs; done \
 && cargo fetch --locked

# The dependencies, compiled.
FROM sources AS dependencies
ARG TARGETARCH
# 1 carries the local detector and its weights (22 MB), for `analyze` and `verdict.local_check`.
ARG LOCAL_DETECTOR=0
# What settings can turn on without another image: findings into Security Hub, alerts onto an event
# bus. Traces to a collector (`otlp`) want a collector beside every task: add them here.
ARG FEATURES=control-plane,securityhub,eventbridge
ENV CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
    CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER=x86_64-linux-gnu-gcc
# The arguments are kept for the program: with others, everything would be compiled again. What stood
# for our own code is forgotten in the end: files that are copied later may be older than it.
RUN case "$TARGETARCH" in \
      amd64) machine=x86_64 ;; \
      arm64) machine=aarch64 ;; \
      *) echo "no build for the architecture '$TARGETARCH': amd64 and arm64 are known" >&2; exit 64 ;; \
    esac \
 && case "$LOCAL_DETECTOR" in \
      0) features="$FEATURES" ;; \
      1) features="$FEATURES,local-detector" ;; \
      *) echo "LOCAL_DETECTOR is '$LOCAL_DETECTOR': give 0 or 1" >&2; exit 64 ;; \
    esac \
 && target="$machine-unknown-linux-gnu" \
 && echo "$machine" >machine \
 && echo "--package s3-warden --release --locked --target $target --no-default-features --features=$features" >arguments \
 && cargo build $(cat arguments) \
 && cargo clean --package s3-warden --release --target "$target"

# The program, without the symbols that only a debugger reads: a panic still tells its file and line.
FROM dependencies AS build
COPY config config
COPY src src
COPY tests/fixtures tests/fixtures
COPY LICENSE NOTICE ./
RUN cargo build $(cat arguments) \
 && machine="$(cat machine)" \
 && built="target/$machine-unknown-linux-gnu/release/s3-warden" \
 && documents=/image/usr/share/doc/s3-warden \
 && install -D --mode=0755 "$built" /image/usr/local/bin/s3-warden \
 && "$machine-linux-gnu-strip" --strip-all /image/usr/local/bin/s3-warden \
 && install -D --mode=0644 --target-directory="$documents" LICENSE NOTICE \
 && if grep -q local-detector arguments; then \
      install -D --mode=0644 --target-directory="$documents/weights" config/weights/LICENSE-* config/weights/NOTICE \
      && install -D --mode=0644 --target-directory="$documents/pictures" tests/fixtures/NOTICE.md; \
    fi

# --- What runs -------------------------------------------------------------------------------------
# Said although it is the default: older versions of buildah go on with the platform named above.
FROM --platform=${TARGETPLATFORM} ${RUNTIME_IMAGE}
COPY --from=build /image/ /
# Within a container only its own network sees this; who may reach the port from outside is said by
# the security group, or by what is published. It replaces `[ops] listen` of a settings file.
ENV WARDEN_OPS__LISTEN=0.0.0.0:9090
EXPOSE 9090
# By number: Kubernetes' runAsNonRoot cannot look up a name.
USER 65532:65532
# Health is what the program says about itself. ECS ignores this line and has one in its task definition.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
  CMD ["/usr/local/bin/s3-warden", "healthcheck"]
# Without a shell in between, the program gets the signal to stop and has `limits.drain_seconds` for
# it: give the container longer (`docker stop --time 120`, ECS `stopTimeout`).
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/s3-warden"]
CMD ["run"]
# The revision is known to who builds: --label org.opencontainers.image.revision=$(git rev-parse HEAD)
LABEL org.opencontainers.image.title="s3-warden" \
      org.opencontainers.image.description="Looks at every object that lands in a guarded S3 bucket, removes exactly what holds personal data, and tells people about it" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.1.0"
