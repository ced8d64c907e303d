# The worker and the command line. Build: docker build -t tillbridge .
# The tag is pinned to a patch release; pin it to its digest when you build for production.
FROM python:3.12.8-slim-bookworm AS build
WORKDIR /build
RUN python -m venv /opt/tillbridge
COPY requirements.lock .
RUN /opt/tillbridge/bin/pip install --no-cache-dir --require-hashes --no-deps -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY flows flows
COPY tasks tasks
COPY blocks blocks
COPY commands commands
COPY tillbridge tillbridge
RUN /opt/tillbridge/bin/pip install --no-cache-dir --no-deps .

FROM python:3.12.8-slim-bookworm
RUN useradd --uid 10001 --create-home --home-dir /var/lib/tillbridge tillbridge
COPY --from=build /opt/tillbridge /opt/tillbridge
COPY prefect.yaml /etc/tillbridge/prefect.yaml
ENV PATH=/opt/tillbridge/bin:$PATH \
    PREFECT_HOME=/var/lib/tillbridge/prefect \
    PREFECT_SERVER_EPHEMERAL_ENABLED=false \
    PREFECT_SERVER_ANALYTICS_ENABLED=false \
    PYTHONUNBUFFERED=1
USER 10001
WORKDIR /etc/tillbridge
VOLUME /var/lib/tillbridge
# exec form: the worker itself gets SIGTERM
CMD ["prefect", "worker", "start", "--pool", "tillbridge"]
