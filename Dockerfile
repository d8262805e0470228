# One image for every Python service; the command of a container says which. Built by `docker compose build`, or:
#   docker build -t page frontend && docker build --build-context page=docker-image://page -t paper-trading:local .
ARG PYTHON_IMAGE=python:3.14-slim

FROM ${PYTHON_IMAGE} AS packages
ARG UV_VERSION=0.13.9
ENV UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_NO_CACHE=1
RUN python3 -m venv /opt/tools && /opt/tools/bin/pip install --no-cache-dir --disable-pip-version-check uv==${UV_VERSION}
WORKDIR /build
COPY requirements.lock ./
# Versions and hashes come from the lock in every step; only what is asked for is installed.
RUN /opt/tools/bin/uv pip install --python /opt/tools/bin/python --constraints requirements.lock hatchling \
    && python3 -m venv --without-pip /opt/venv
COPY libs/ libs/
COPY services/ services/
RUN for project in libs/* services/*; do (cd "$project" && /opt/tools/bin/hatchling build -t wheel -d /wheels); done \
    && /opt/tools/bin/uv pip install --python /opt/venv/bin/python --constraints requirements.lock /wheels/*.whl

FROM ${PYTHON_IMAGE}
ENV PATH=/opt/venv/bin:$PATH HOME=/app PYTHONUNBUFFERED=1 TRADING_HEALTH_FILE=/tmp/health
WORKDIR /app
COPY --from=packages /opt/venv /opt/venv
COPY config.yaml ./
COPY migrations/ migrations/
COPY strategies/ strategies/
COPY data/sample/ data/sample/
COPY --from=page /dist frontend/dist
# Named volumes take their owner from these folders; there is no other place to write to.
RUN mkdir -p /run/secrets /archive /state && chown 10001:10001 /run/secrets /archive /state
USER 10001:10001
# The age of the heartbeat, 20 s at most. Not `trading_core probe`: half a second of imports, every 15 s, nine times.
HEALTHCHECK --interval=15s --timeout=10s --start-period=120s --start-interval=2s \
    CMD ["sh", "-c", "test -n \"$(find $TRADING_HEALTH_FILE -mmin -0.34)\""]
CMD ["python", "-m", "trading_core", "--help"]
