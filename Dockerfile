# syntax=docker/dockerfile:1

# The service and its command line: `docker run IMAGE` runs it, `docker run IMAGE verify --json` asks it.
# Debian, not Alpine: the Kafka client is built and tested against glibc.

FROM node:24-bookworm-slim AS build
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# The tools and headers that librdkafka is built with. Debian's stable release fixes their versions.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
      ca-certificates g++ make python3 \
      libcurl4-openssl-dev libssl-dev libsasl2-dev zlib1g-dev liblz4-dev libzstd-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /app
# Node's own headers lie beside it, so that nothing is downloaded to build against them.
ENV CKJS_LINKING=dynamic \
    npm_config_build_from_source=true \
    npm_config_nodedir=/usr/local
COPY package.json package-lock.json .npmrc ./
# Not `npm ci`: it refuses a lock that was made where a registry offers the optional packages of one platform alone.
RUN --mount=type=cache,target=/var/cache/npm \
    npm install --no-save --no-audit --no-fund --cache /var/cache/npm
COPY . .
RUN node node_modules/node-gyp/bin/node-gyp.js rebuild --directory src/native --nodedir /usr/local \
    && node_modules/.bin/tsc -p tsconfig.json \
    && node_modules/.bin/vite build --config scripts/vite.config.mjs \
    && node dist/codegen/main.js
# What stays is what runs: no development packages, and of the Kafka client the two libraries without their sources.
RUN npm prune --omit=dev \
    && rm -rf node_modules/@confluentinc/kafka-javascript/deps node_modules/@confluentinc/kafka-javascript/src \
    && rm -rf node_modules/@confluentinc/kafka-javascript/build/deps/include \
    && find node_modules/@confluentinc/kafka-javascript/build -name '*.a' -delete \
    && rm -rf dist/bench dist/load dist/codegen dist/.tsbuildinfo \
    && find dist -name '*.test.*' -delete

FROM node:24-bookworm-slim AS runtime
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="DataQuarantine" \
      org.opencontainers.image.description="Stream validation for Kafka: the good messages forwarded, the bad ones quarantined, none lost." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
# The shared libraries of librdkafka; and tini, since process 1 gets no signal that it has not yet asked for, as in its first second.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
      ca-certificates tini libjemalloc2 libcurl4 libssl3 libsasl2-2 zlib1g liblz4-1 libzstd1 \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY --from=build /app/package.json /app/LICENSE ./
COPY --from=build /app/bin bin
COPY --from=build /app/schemas schemas
COPY --from=build /app/generated generated
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY --from=build /app/src/native/build/Release/lane.node /app/src/native/build/Release/judge.node src/native/build/Release/
# The only folders that the service writes: the spool, and validators of schemas that the build did not know.
RUN install -d -o node -g node .cache /var/lib/dataquarantine/spool
# The client occupies threads of libuv's pool. librdkafka frees on one thread what it takes on another, for which jemalloc needs less of
# the processor than glibc's malloc; two arenas keep resident memory flat (src/lib/allocator.ts).
ENV NODE_ENV=production \
    UV_THREADPOOL_SIZE=16 \
    LD_PRELOAD=libjemalloc.so.2 \
    MALLOC_CONF=narenas:2,dirty_decay_ms:1000 \
    DQ_SPOOL_DIR=/var/lib/dataquarantine/spool
VOLUME ["/var/lib/dataquarantine/spool"]
EXPOSE 8080
# By number, so that a cluster can see that it is not root.
USER 1000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.DQ_HTTP_PORT ?? 8080}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["tini", "--", "node", "/app/bin/dq.cjs"]
CMD ["run"]
