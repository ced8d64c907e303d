"""The receiver put together and run until it is told to stop. Settings come from the caller."""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from math import ceil
from threading import Thread

import uvicorn
from prometheus_client import make_asgi_app
from sqlalchemy import Engine
from starlette.applications import Starlette

from tillbridge.clients.sftp import SftpClient
from tillbridge.errors import ConfigurationProblem, TillbridgeError
from tillbridge.receiver.app import Receiver
from tillbridge.receiver.aside import Allowance
from tillbridge.receiver.files import TlogFiles
from tillbridge.receiver.http_protocol import patient_protocol, quiet_about_accepts, served
from tillbridge.receiver.metrics import Metrics
from tillbridge.receiver.notices import Notices
from tillbridge.receiver.readiness import Readiness
from tillbridge.receiver.refusal_log import RefusalLog
from tillbridge.receiver.settings import ReceiverSettings
from tillbridge.receiver.shipping import Shipper
from tillbridge.receiver.storing import Store

_LARGEST_HEAD = 16 * 1024
_SHUTDOWN_SECONDS = 10
_SCRAPERS = 16
_SPARE_FILES = 512
"""For the database, SFTP, Prometheus, and connections that are accepted before the limit sees them."""
_BACKLOG = 64
"""asyncio accepts as many at a time before anybody sees the first; a waiting one is held by the kernel."""

_log = logging.getLogger(__name__)


def serve(
    settings: ReceiverSettings,
    engine: Engine,
    sftp: SftpClient,
    folder: str,
    on_stored: Callable[[int], object],
    on_kept_aside: Callable[[int], object],
) -> None:
    """Receive TLogs into `folder` until SIGTERM or SIGINT.

    The hooks are told now and then how many TLogs have come to SFTP, and how many were kept aside for a
    person; they may fail.

    Raises:
        ConfigurationProblem: a port cannot be had.
    """
    connections = _allow_open_files(settings.most_connections)
    scraped = _listen(settings.metrics_host, settings.metrics_port)
    files = TlogFiles(sftp, folder)
    metrics = Metrics(settings.clients)
    refusals = RefusalLog()
    protocol = patient_protocol(
        settings.header_seconds,
        connections,
        metrics.slow_connection,
        lambda code, peer: refusals.note(code, "", peer),
    )
    for_scrapers = patient_protocol(
        settings.header_seconds, _SCRAPERS, metrics.slow_connection, lambda *_: None
    )
    stored = Notices(on_stored, settings.notice_seconds)
    kept_aside = Notices(on_kept_aside, settings.notice_seconds)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        stored.start()
        kept_aside.start()
        shipper.start()
        # A server that is silent must not hold up the start.
        Thread(target=_clear_up, args=[files], name="clear-up", daemon=True).start()
        quiet_about_accepts(asyncio.get_running_loop())
        try:
            async with served(make_asgi_app(metrics.registry), for_scrapers, scraped, _SCRAPERS):
                yield
        finally:
            await store.close(_SHUTDOWN_SECONDS)
            shipper.stop(_SHUTDOWN_SECONDS)
            stored.stop(1)
            kept_aside.stop(1)
            readiness.close()
            files.close()

    store = Store(
        engine,
        files,
        settings.ack,
        Allowance(settings.most_kept_aside, settings.most_bytes_kept_aside),
        metrics,
        writers=sftp.sessions,
        most=settings.parallel_requests,
        seconds=settings.store_seconds,
    )
    shipper = Shipper(store, files, metrics, stored.arrived, sftp.sessions)
    readiness = Readiness(store, files, metrics, settings.least_free_megabytes * 1024 * 1024)
    receiver = Receiver(
        settings,
        store,
        readiness,
        metrics,
        refusals,
        stored.arrived,
        kept_aside.arrived,
        version("tillbridge"),
    )
    config = uvicorn.Config(
        receiver.app(lifespan),
        host=settings.host,
        port=settings.port,
        http=protocol,
        ws="none",
        loop="asyncio",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=min(_BACKLOG, max(_SCRAPERS, connections // 8)),
        h11_max_incomplete_event_size=_LARGEST_HEAD,
        timeout_graceful_shutdown=ceil(settings.body_seconds + settings.store_seconds),
    )
    try:
        uvicorn.Server(config).run()
    finally:
        scraped.close()


def _listen(host: str, port: int) -> socket.socket:
    """Take the port of the metrics.

    Raises:
        ConfigurationProblem: it cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as problem:
        raise ConfigurationProblem(
            f"The metrics cannot be served on {host}:{port}: {problem.strerror}. Choose another metrics_port."
        ) from problem


def _clear_up(files: TlogFiles) -> None:
    try:
        files.clear_up()
    except TillbridgeError as problem:
        # Tills are let in all the same: they are answered 503 until the server is back.
        _log.warning("The TLog folder cannot be reached yet: %s", problem)


def _allow_open_files(connections: int) -> int:
    """Raise the limit on open files to what so many connections need, and return how many fit."""
    wanted = connections + _SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return connections
    fitting = min(connections, max(soft - _SPARE_FILES, soft // 2))
    _log.warning(
        "No more than %d files may be open, so %d connections are served and not %d. Raise LimitNOFILE.",
        soft,
        fitting,
        connections,
    )
    return fitting
