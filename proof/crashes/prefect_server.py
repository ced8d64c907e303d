"""A Prefect server for a proof run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prefect.settings import (
    PREFECT_API_SSL_CERT_FILE,
    PREFECT_API_URL,
    PREFECT_SERVER_ALLOW_EPHEMERAL_MODE,
    temporary_settings,
)

from sandbox.platform import Platform


@contextmanager
def prefect_server(state: Path) -> Iterator[Platform]:
    """Run a server while the block lasts; blocks that this thread saves go there."""
    platform = Platform(state)
    platform.start()
    settings = {
        PREFECT_API_URL: f"{platform.ui_url}/api",
        PREFECT_API_SSL_CERT_FILE: platform.environment["PREFECT_API_SSL_CERT_FILE"],
        PREFECT_SERVER_ALLOW_EPHEMERAL_MODE: False,
    }
    try:
        with temporary_settings(settings):
            yield platform
    finally:
        platform.stop()
