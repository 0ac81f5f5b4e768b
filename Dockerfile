# syntax=docker/dockerfile:1
# Sphere as one image: `docker build -t sphere .`, then `docker run -p 3000:3000 -v sphere:/data sphere`.

FROM node:22-bookworm-slim AS node

FROM rust:1.95-bookworm AS build
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
COPY --from=node /usr/local/bin/node /usr/local/bin/
COPY --from=node /usr/local/lib/node_modules /usr/local/lib/node_modules
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
# What ./dev installs and compiles stays in this cache, so that a second build takes minutes only.
ENV CI=true CARGO_HOME=/cache/cargo XDG_CACHE_HOME=/cache
WORKDIR /sphere
COPY . .
RUN --mount=type=cache,target=/cache,sharing=locked \
    binary=$(./dev build | tail -n 1) && install -D "$binary" /out/sphere

FROM debian:bookworm-slim
COPY --from=build /out/sphere /usr/local/bin/sphere
COPY --chmod=755 deploy/healthy.sh /usr/local/bin/healthy
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin sphere && install -d -o sphere -g sphere -m 700 /data
USER sphere
WORKDIR /data
VOLUME /data
ENV SPHERE_LISTEN=0.0.0.0:3000 SPHERE_DATA_DIR=/data NO_COLOR=1
EXPOSE 3000
# A server that goes down has up to 10 s to answer what is open.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 CMD ["healthy", "/readyz"]
ENTRYPOINT ["sphere"]
