# One image for every Python service; the command of a container says which. Built from the repository's root:
#   docker build -t paper-trading .
ARG PYTHON_IMAGE=python:3.14-slim
ARG NODE_IMAGE=node:22-slim

FROM ${NODE_IMAGE} AS page
WORKDIR /build
COPY frontend/package.json frontend/package-lock.json frontend/.npmrc ./
RUN npm ci --no-audit --no-fund
COPY frontend/ ./
RUN npm run build

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
COPY --from=page /build/dist frontend/dist
# Without a right to write anywhere but where the container is given a place.
USER 10001:10001
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --start-interval=2s CMD ["python", "-m", "trading_core", "probe"]
CMD ["python", "-m", "trading_core", "--help"]
