"""What Prometheus is told. Labels are names from the settings and fixed words, never a part of a request."""

from __future__ import annotations

from collections.abc import Collection

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20)
_RESULTS = (
    "stored",
    "accepted",
    "repeated",
    "conflict",
    "in_progress",
    "refused",
    "foreign_store",
    "unavailable",
)


class Metrics:
    """The metrics of one receiver, with a registry of their own."""

    def __init__(self, clients: Collection[str]) -> None:
        self.registry = CollectorRegistry()
        self._tlogs = Counter(
            "tillbridge_receiver_tlogs",
            "TLogs of known clients, by what became of them.",
            ["client", "result"],
            registry=self.registry,
        )
        for client in clients:
            for result in _RESULTS:
                self._tlogs.labels(
                    client, result
                )  # a series that is there from the start can be alerted on
        self._answers = Counter(
            "tillbridge_receiver_answers",
            "Answers, by route and HTTP status.",
            ["route", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "tillbridge_receiver_request_seconds",
            "Time from the head of a request to its answer.",
            ["route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._not_kept = Counter(
            "tillbridge_receiver_not_kept_aside",
            "Documents in conflict or refused that were not kept, beyond a day's allowance.",
            ["client"],
            registry=self.registry,
        )
        for client in clients:
            self._not_kept.labels(client)
        self._free = Gauge(
            "tillbridge_receiver_free_bytes",
            "Free space of the SFTP server, as /ready found it last; none if the server does not tell.",
            registry=self.registry,
        )
        self._bytes = Gauge(
            "tillbridge_receiver_bytes_in_flight",
            "Bytes of bodies that are held in memory.",
            registry=self.registry,
        )
        self._skew = Gauge(
            "tillbridge_receiver_clock_skew_seconds",
            "How far the clock of a signing client was ahead at its last request.",
            ["client"],
            registry=self.registry,
        )
        self._slow = Counter(
            "tillbridge_receiver_slow_connections_closed",
            "Connections closed while they waited for a head: too long, or others had to have their place.",
            registry=self.registry,
        )
        self._inbox = Gauge(
            "tillbridge_receiver_inbox_waiting",
            "TLogs that wait in the database for SFTP.",
            registry=self.registry,
        )
        self._inbox_age = Gauge(
            "tillbridge_receiver_inbox_oldest_seconds",
            "How long the oldest of them has waited.",
            registry=self.registry,
        )
        self._ready = Gauge(
            "tillbridge_receiver_ready",
            "Whether a far end could be reached when it was last tried: 1 or 0.",
            ["part"],
            registry=self.registry,
        )

    def tlog(self, client: str, result: str) -> None:
        """Count a TLog."""
        self._tlogs.labels(client, result).inc()

    def answer(self, route: str, status: int, seconds: float) -> None:
        """Count an answer and the time it took."""
        self._answers.labels(route, status).inc()
        self._seconds.labels(route).observe(seconds)

    def not_kept_aside(self, client: str) -> None:
        """Count what was not kept for a person to see."""
        self._not_kept.labels(client).inc()

    def free_space(self, count: int) -> None:
        """Say how many bytes are free on the SFTP server."""
        self._free.set(count)

    def bytes_in_flight(self, count: int) -> None:
        """Say how many bytes of bodies are held."""
        self._bytes.set(count)

    def clock_skew(self, client: str, seconds: float) -> None:
        """Say how far a client's clock is ahead."""
        self._skew.labels(client).set(seconds)

    def slow_connection(self) -> None:
        """Count a connection that was closed because nothing came."""
        self._slow.inc()

    def inbox(self, count: int, oldest_seconds: float) -> None:
        """Say what waits in the inbox."""
        self._inbox.set(count)
        self._inbox_age.set(oldest_seconds)

    def ready(self, part: str, is_ready: bool) -> None:
        """Say whether a far end was there."""
        self._ready.labels(part).set(is_ready)
