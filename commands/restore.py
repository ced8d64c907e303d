"""What the command line does after the database was restored from a backup."""

from __future__ import annotations

import sys
from typing import Annotated

from cyclopts import Parameter

from commands.config import read_config
from commands.hands import By, Config, Reason
from tillbridge.counting import counted
from tillbridge.database.schema import require_schema
from tillbridge.database.upgrading import upgrade
from tillbridge.errors import TillbridgeError
from tillbridge.invoicing.ledger import restores


def after_restore(*, config: Config, by: By, reason: Reason) -> None:
    """Stop all sending, and put every order in doubt that may have been sent since the backup.

    Every worker must be stopped first. Orders that come in from now on are in doubt as well, until
    end-restore.
    """
    try:
        settings = read_config(config)
        # A backup of an older version is brought up to this one first.
        engine = settings.owner_engine(settings.database)
        upgrade(engine)
        number = restores.begin(engine, by, reason)
    except TillbridgeError as problem:
        sys.exit(str(problem))
    print(f"{counted(number, 'order is', 'orders are')} in doubt, and nothing is sent.")
    print(
        "Next: start the workers, hand over again what came after the backup (replay-orders, by time), "
        "run invoice-orders until nothing is in doubt, then end-restore."
    )


def end_restore(
    *,
    config: Config,
    by: By,
    evidence: Annotated[
        str, Parameter(help="What shows that all orders since the backup were handed over again.")
    ],
) -> None:
    """Let orders be sent again; refused while one is still in doubt."""
    try:
        # The flows' own role may not lift the stop.
        settings = read_config(config)
        engine = settings.owner_engine(settings.database)
        require_schema(engine)
        number = restores.in_doubt(engine)
        if number:
            sys.exit(
                f"{counted(number, 'order is', 'orders are')} still in doubt: run invoice-orders, or decide "
                "with resolve-order"
            )
        restores.end(engine, by, evidence)
    except TillbridgeError as problem:
        sys.exit(str(problem))
    print("Orders are sent again.")
