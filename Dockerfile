# The service with all it needs; `docker compose up` runs it beside PostgreSQL and Valkey.
FROM debian:13-slim AS build

SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/nuxa
RUN python3 -m venv .venv \
    && .venv/bin/pip install --no-cache-dir --index-url https://download.pytorch.org/whl/cpu \
        "torch>=2.6,<2.14"
COPY pyproject.toml constraints.txt README.md ./
COPY core ./core
COPY pipelines ./pipelines
COPY ingest ./ingest
COPY copilot ./copilot
COPY api ./api
COPY workers ./workers
COPY evals ./evals
RUN .venv/bin/pip install --no-cache-dir --constraint constraints.txt --editable ".[telemetry,interpreter]"

FROM debian:13-slim

# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 8420 --create-home --home-dir /var/lib/nuxa nuxa
COPY --from=build /opt/nuxa /opt/nuxa
WORKDIR /opt/nuxa
ENV PATH=/opt/nuxa/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    NUXA_ENVIRONMENT=production \
    NUXA_HOST=0.0.0.0 \
    NUXA_DATA_DIR=/var/lib/nuxa/data
USER 8420
VOLUME /var/lib/nuxa/data
EXPOSE 8420
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s \
    CMD ["python3", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8420/api/health/ready')"]
CMD ["python3", "-m", "api", "serve"]
