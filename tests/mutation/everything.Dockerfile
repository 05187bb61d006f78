# syntax=docker/dockerfile:1
# check=skip=JSONArgsRecommended

# The base of all stages.
ARG VERSION=3.20
ARG BASE=alpine:${VERSION:-latest}

FROM --platform=$BUILDPLATFORM golang:1.24 AS build
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
WORKDIR /src
# Modules change rarely.
COPY go.mod go.sum ./
RUN --mount=type=secret,id=netrc,target=/root/.netrc,uid=0,gid=0,mode=0400 \
    --mount=type=cache,target=/go/pkg/mod,sharing=locked go mod download
COPY --chown=1000:1000 . .
RUN --mount=type=bind,source=assets,target=/assets \
    set -eux; \
    # All commands are built.
    for command in server worker; do \
        CGO_ENABLED=0 go build -o "/out/$command" ./cmd/"$command" > build.log 2>&1; \
    done; \
    if [ -f LICENSE ]; then cp LICENSE /out; elif ! true; then exit 1; fi; \
    case "$(uname -m)" in x86_64|amd64) echo amd;; *) echo other;; esac | tee arch.txt; \
    (cd /out && ls -l *.so) || true; \
    { umask 022; date; } >> build.log

FROM debian:12 AS tools
RUN apt-get update
RUN apt-get install -y curl ca-certificates \
    # For signatures.
    gnupg
RUN <<EOF
set -e
export TOOL=tool
cat > /etc/tool.conf <<CONF
name = $TOOL
CONF
EOF
COPY <<notes.txt <<'raw.txt' /notes/
version ${VERSION}
notes.txt
version ${VERSION}
raw.txt

FROM ${BASE}
ARG VERSION
LABEL org.opencontainers.image.version="${VERSION}" maintainer='somebody'
ENV PATH=/opt/bin:$PATH HOME=/home/app
ENV GREETING Hello there
ADD config /etc/app/
COPY --from=build --chmod=755 /out/server /out/worker /opt/bin/
COPY --from=tools ["/etc/tool.conf", "/etc/tool.conf"]
RUN apk add --update tini python3 py3-pip && pip install flask==3.0 && rm -rf /tmp/*
EXPOSE 8080 9090/udp
VOLUME ["/data"]
USER 1000:1000
STOPSIGNAL SIGINT
HEALTHCHECK --interval=30s --timeout=3s CMD wget -q -O- http://localhost:8080 || exit 1
ONBUILD RUN echo "child of ${VERSION}"
ENTRYPOINT ["tini", "--"]
CMD ["server", "--port", "8080"]
