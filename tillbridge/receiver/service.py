"""The receiver put together and run until it is told to stop. Settings come from the caller."""

from __future__ import annotations

import logging
import resource
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from math import ceil
from threading import Thread

import uvicorn
from prometheus_client import start_http_server
from sqlalchemy import Engine
from starlette.applications import Starlette

from tillbridge.clients.sftp import SftpClient
from tillbridge.errors import ConfigurationProblem, TillbridgeError
from tillbridge.receiver.app import Receiver
from tillbridge.receiver.files import TlogFiles
from tillbridge.receiver.metrics import Metrics
from tillbridge.receiver.notices import Notices
from tillbridge.receiver.patience import patient_protocol
from tillbridge.receiver.readiness import Readiness
from tillbridge.receiver.settings import ReceiverSettings
from tillbridge.receiver.shipping import Shipper
from tillbridge.receiver.storing import Store

_LARGEST_HEAD = 16 * 1024
_SHUTDOWN_SECONDS = 10

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
    _allow_open_files(settings.most_connections)
    files = TlogFiles(sftp, folder)
    metrics = Metrics(settings.clients)
    stored = Notices(on_stored, settings.notice_seconds)
    kept_aside = Notices(on_kept_aside, settings.notice_seconds)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        stored.start()
        kept_aside.start()
        shipper.start()
        # A server that is silent must not hold up the start.
        Thread(target=_clear_up, args=[files], name="clear-up", daemon=True).start()
        try:
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
        writers=sftp.sessions,
        most=settings.parallel_requests,
        seconds=settings.store_seconds,
    )
    shipper = Shipper(store, files, metrics, stored.arrived, sftp.sessions)
    readiness = Readiness(store, files, metrics)
    receiver = Receiver(
        settings,
        store,
        readiness,
        metrics,
        stored.arrived,
        kept_aside.arrived,
        version("tillbridge"),
    )
    config = uvicorn.Config(
        receiver.app(lifespan),
        host=settings.host,
        port=settings.port,
        http=patient_protocol(settings.header_seconds, metrics.slow_connection),
        ws="none",
        loop="asyncio",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=settings.most_connections,
        h11_max_incomplete_event_size=_LARGEST_HEAD,
        timeout_graceful_shutdown=ceil(settings.body_seconds + settings.store_seconds),
    )
    try:
        scraped, thread = start_http_server(
            settings.metrics_port, settings.metrics_host, metrics.registry
        )
    except OSError as problem:
        raise ConfigurationProblem(
            f"The metrics cannot be served on {settings.metrics_host}:{settings.metrics_port}: "
            f"{problem.strerror}. Choose another metrics_port."
        ) from problem
    try:
        uvicorn.Server(config).run()
    finally:
        scraped.shutdown()
        scraped.server_close()
        thread.join()


def _clear_up(files: TlogFiles) -> None:
    try:
        files.clear_up()
    except TillbridgeError as problem:
        # Tills are let in all the same: they are answered 503 until the server is back.
        _log.warning("The TLog folder cannot be reached yet: %s", problem)


def _allow_open_files(connections: int) -> None:
    """Raise the limit on open files, which is 1,024 on many machines, to what so many connections need."""
    wanted = connections + 256
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
