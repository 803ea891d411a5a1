# One image for everything of ours; the first word of the command says what it is to be (ops/container/entrypoint.sh).
# Building needs the registries of Debian, Python and npm packages, and nothing else. It works without BuildKit.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm
ARG NODE_IMAGE=node:22-bookworm-slim


# --- npm packages: Prisma's command line and its engines as WebAssembly; and Node itself, as one file -----------------
FROM ${NODE_IMAGE} AS node-packages
WORKDIR /app/prisma/engine
COPY prisma/engine/package.json prisma/engine/package-lock.json prisma/engine/.npmrc ./
# npm by its file: `bin/npm` is a link, and not every way of packing Node keeps it one.
RUN node="$(readlink -f "$(command -v node)")" \
 && node "$(dirname "$node")/../lib/node_modules/npm/bin/npm-cli.js" ci --omit=dev --loglevel=error \
 && install -m 755 "$node" /opt/node


# --- Where Python and Node meet ---------------------------------------------------------------------------------------
FROM ${PYTHON_IMAGE} AS packages
RUN apt-get update -q && apt-get install -qy --no-install-recommends binutils
COPY --from=node-packages /opt/node /usr/local/bin/node
# Without pip inside: the image's own installs into it.
RUN strip /usr/local/bin/node && python3 -m venv --without-pip /opt/sluice
COPY requirements-services.txt /tmp/
RUN pip --python /opt/sluice/bin/python install --no-cache-dir --disable-pip-version-check --root-user-action=ignore \
    --no-compile --only-binary=:all: --require-hashes --requirement /tmp/requirements-services.txt
COPY --from=node-packages /app/prisma/engine/node_modules /app/prisma/engine/node_modules
COPY prisma /app/prisma
# The database client is generated from the schema. The variables: see prisma/engine/README.md
ENV PATH=/opt/sluice/bin:/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin \
    PRISMA_QUERY_ENGINE_BINARY=/app/prisma/engine/query-engine \
    PRISMA_QUERY_ENGINE_LIBRARY=/app/prisma/engine/query-engine \
    PRISMA_SCHEMA_ENGINE_BINARY=/app/prisma/engine/query-engine \
    PRISMA_EXPECTED_ENGINE_VERSION=c2990dca591cba766e3b7ef5d9e8a84796e47ab7 \
    CHECKPOINT_DISABLE=1 \
    PRISMA_HIDE_UPDATE_MESSAGE=1
RUN node /app/prisma/engine/node_modules/prisma/build/index.js generate --schema /app/prisma/schema.prisma
COPY ops/container/prune.sh /tmp/
# Compiled here, because nothing can be written next to the modules later.
RUN sh /tmp/prune.sh node /app/prisma/engine/node_modules \
 && sh /tmp/prune.sh python /opt/sluice/lib/python3.11/site-packages \
 && python -m compileall -q -j 0 /opt/sluice/lib


# --- Our code, compiled ------------------------------------------------------------------------------------------------
FROM ${PYTHON_IMAGE} AS code
COPY . /app
RUN rm -rf /app/prisma /app/requirements-services.txt && python3 -m compileall -q -j 0 /app


# --- The system below it: the base without what only people and package managers use ------------------------------------
FROM ${PYTHON_IMAGE} AS system
RUN groupadd --gid 10001 sluice && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin sluice
COPY ops/container/prune.sh /tmp/
RUN sh /tmp/prune.sh system / && rm /tmp/prune.sh


# --- The image: from scratch, because a layer cannot make the ones below it smaller ---------------------------------------
FROM scratch
COPY --from=system / /
COPY --from=packages /usr/local/bin/node /usr/local/bin/node
COPY --from=packages /opt/sluice /opt/sluice
COPY --from=packages /app/prisma /app/prisma
COPY --from=code /app /app
ENV PATH=/opt/sluice/bin:/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin \
    LANG=C.UTF-8 \
    PYTHONPATH=/app \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOST=0.0.0.0 \
    SLUICE_NODE=/usr/local/bin/node \
    PRISMA_QUERY_ENGINE_BINARY=/app/prisma/engine/query-engine \
    PRISMA_QUERY_ENGINE_LIBRARY=/app/prisma/engine/query-engine \
    PRISMA_SCHEMA_ENGINE_BINARY=/app/prisma/engine/query-engine \
    PRISMA_EXPECTED_ENGINE_VERSION=c2990dca591cba766e3b7ef5d9e8a84796e47ab7 \
    CHECKPOINT_DISABLE=1 \
    PRISMA_HIDE_UPDATE_MESSAGE=1
WORKDIR /app
# By number, so that an orchestrator can see that it is not root.
USER 10001:10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=10s --start-period=60s --retries=3 CMD ["python", "-I", "-S", "/app/ops/container/healthcheck.py"]
ENTRYPOINT ["/app/ops/container/entrypoint.sh"]
ARG SLUICE_VERSION=dev
LABEL org.opencontainers.image.title="Sluice" \
      org.opencontainers.image.description="An open event pipeline: every program of it, chosen by command" \
      org.opencontainers.image.version="${SLUICE_VERSION}"
