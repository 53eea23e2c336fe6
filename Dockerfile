# The service in one container: `python -m functions.server`, the migrations and the audit worker.
# infra/image/pin writes the digests of all base images to infra/image/bases.env, for --build-arg.
# infra/end_of_life.yml says until when the bases get security updates.
ARG NODE_IMAGE=docker.io/library/node:24-trixie-slim
ARG BUILD_IMAGE=docker.io/library/python:3.13-slim-trixie
ARG RUN_IMAGE=gcr.io/distroless/python3-debian13:nonroot

# The console with few files instead of one for each module: docs/adr/0016-console-in-few-files.md.
FROM ${NODE_IMAGE} AS console

WORKDIR /source/infra/console
COPY infra/console/package.json infra/console/package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY clients /source/clients
COPY infra/console/build.mjs ./
RUN node build.mjs /console


FROM ${BUILD_IMAGE} AS build

# Links to Debian's Python for the final stage, whose base image may lack them.
RUN mkdir -p /programs && ln -s /usr/bin/python3.13 /programs/python \
    && ln -s /usr/bin/python3.13 /programs/python3

COPY infra/image/requirements.txt /requirements.txt
RUN python3 -m pip install --no-cache-dir --no-compile --only-binary :all: --require-hashes \
        --target /packages --requirement /requirements.txt \
    && rm -r /packages/bin \
    && find /packages -type f -regex '.*\.\(c\|h\|proto\|pxd\|pyi\|pyx\)' -delete \
    && python3 -m compileall -q --invalidation-mode unchecked-hash /packages

COPY functions /app/functions
COPY shared /app/shared
COPY clients/js /app/clients/js
COPY --from=console /console /app/clients/console
COPY infra/__init__.py infra/migrate.py /app/infra/
COPY infra/supabase /app/infra/supabase
RUN PYTHONPATH=/app:/packages python3 -B -m functions.container.reference \
    && python3 -m compileall -q --invalidation-mode unchecked-hash /app


FROM ${RUN_IMAGE}

# The base image has Debian's Python 3.13 and no shell.
COPY --from=build /programs /programs
COPY --from=build /packages /packages
COPY --from=build /app /app

# It listens on all addresses, so it must require authentication: in production it doesn't start
# without its secrets.
ENV APP_ENV=production \
    PATH=/programs:/usr/local/bin:/usr/bin:/bin \
    PYTHONPATH=/app:/packages \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOST=0.0.0.0 \
    PORT=3000

WORKDIR /app
USER 65532:65532
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s --retries=3 \
    CMD ["python", "-m", "functions.container.healthcheck"]

# The base image's entry point would prefix every command, such as the release command.
ENTRYPOINT []
CMD ["python", "-m", "functions.server"]

ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="SyncKairos" \
      org.opencontainers.image.description="Keeps many clients on one clock" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
