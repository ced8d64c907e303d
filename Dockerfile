# The Prefect server, the worker, the receiver and the command line. Build: docker build -t tillbridge .
# For production name the base by its digest: --build-arg BASE=python@sha256:...
ARG BASE=python:3.13-slim-bookworm

FROM ${BASE} AS build
WORKDIR /build
RUN python -m venv --without-pip /opt/tillbridge
COPY requirements.lock .
RUN pip --python /opt/tillbridge/bin/python install --no-cache-dir --require-hashes --no-deps -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY flows flows
COPY tasks tasks
COPY blocks blocks
COPY commands commands
COPY tillbridge tillbridge
# Nothing is fetched here: the build backend is in the lock.
RUN pip --python /opt/tillbridge/bin/python install --no-cache-dir --no-deps --no-build-isolation --no-index .

FROM ${BASE}
LABEL org.opencontainers.image.title="tillbridge" \
    org.opencontainers.image.licenses="Apache-2.0"
# Nobody installs anything in a running container.
RUN pip uninstall --yes --quiet --root-user-action ignore pip \
    && useradd --uid 10001 --create-home --home-dir /var/lib/tillbridge tillbridge \
    && chmod 700 /var/lib/tillbridge
COPY --from=build /opt/tillbridge /opt/tillbridge
COPY --chmod=755 deploy/with_secrets.sh /usr/local/bin/with_secrets
COPY prefect.yaml /etc/tillbridge/prefect.yaml
ENV PATH=/opt/tillbridge/bin:$PATH \
    PREFECT_HOME=/var/lib/tillbridge/prefect \
    PREFECT_SERVER_EPHEMERAL_ENABLED=false \
    PREFECT_SERVER_ANALYTICS_ENABLED=false \
    PYTHONUNBUFFERED=1
USER 10001
WORKDIR /etc/tillbridge
VOLUME /var/lib/tillbridge
# The worker and the receiver both answer there; compose.yaml says where the server does.
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/health', timeout=8)"]
# exec form, and the entry point ends in exec: the worker itself gets SIGTERM
ENTRYPOINT ["/usr/local/bin/with_secrets"]
CMD ["prefect", "worker", "start", "--pool", "tillbridge", "--with-healthcheck"]
