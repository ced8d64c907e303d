"""Tells in the log of the run, where there is one, what a block's settings leave unprotected."""

from __future__ import annotations

from collections.abc import Iterable

from prefect.exceptions import MissingContextError
from prefect.logging import get_logger, get_run_logger


def tell(cautions: Iterable[str]) -> None:
    """Log each caution as a warning."""
    try:
        logger = get_run_logger()
    except MissingContextError:
        logger = get_logger("blocks")
    for caution in cautions:
        logger.warning("%s.", caution)
