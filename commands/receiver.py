"""The `tillbridge-receiver` process: takes the TLogs that tills post.

With `--config` it needs no Prefect server, so tills can post while Prefect is down.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from prefect.events import emit_event
from prefect.settings import get_current_settings

from blocks import OrderDatabase, ProductStoreProfile, SftpServer, TillReceiver
from blocks.loading import load
from commands.config import ReceiverConfig, read_receiver_config
from tillbridge.errors import TillbridgeError
from tillbridge.receiver.service import serve

STORED_EVENT = "tillbridge.tlog.stored"
KEPT_ASIDE_EVENT = "tillbridge.tlog.kept-aside"

app = App(name="tillbridge-receiver", help="Takes the TLogs of tills over HTTP.")


@app.default
def receive(
    *,
    config: Annotated[
        Path | None,
        Parameter(help="The TOML file of this installation. No Prefect server is needed."),
    ] = None,
    name: Annotated[
        str, Parameter(help="Without a file: the name of the Till Receiver block.")
    ] = "tillbridge",
) -> None:
    """Take TLogs until the process is told to stop."""
    # Bodies of sales are in the database's files and its journal: they are for this account alone.
    os.umask(0o077)
    # Prefect has put a handler of its own there.
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True
    )
    for talkative in ("alembic", "httpx", "paramiko"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    try:
        parts = read_receiver_config(config) if config else _stored(name)
        folder = parts.profile.tills.tlog_folder
        serve(
            parts.receiver.get_settings(),
            parts.database.get_engine(),
            parts.sftp.get_client(),
            folder,
            _event(STORED_EVENT, folder),
            _event(KEPT_ASIDE_EVENT, folder),
        )
    except TillbridgeError as problem:
        sys.exit(str(problem))


def _stored(name: str) -> ReceiverConfig:
    """Load the blocks.

    Raises:
        ConfigurationProblem: one is not there.
    """
    receiver = load(TillReceiver, name)
    profile = load(ProductStoreProfile, receiver.profile)
    return ReceiverConfig(
        receiver=receiver,
        database=load(OrderDatabase, profile.order_database),
        sftp=load(SftpServer, profile.sftp_server),
        profile=profile,
    )


def _event(event: str, folder: str) -> Callable[[int], object]:
    """Give the hook that makes counts this event, where there is a Prefect server to tell."""

    def tell(count: int) -> None:
        # Without an address Prefect would start a server of its own.
        if get_current_settings().api.url is not None:
            emit_event(
                event=event,
                resource={"prefect.resource.id": f"tillbridge.tlog.{folder}"},
                payload={"count": count},
            )

    return tell


def main() -> None:
    """Run the command."""
    app()


if __name__ == "__main__":
    main()
