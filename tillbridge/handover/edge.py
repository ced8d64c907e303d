"""The edge of one document or file: what goes wrong in the work on it stays with it.

A fault of this program that one document brings to light would else stop every document behind it, in
this run and in each one after it.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from tillbridge.errors import Finding, InternalError, TillbridgeError

_log = logging.getLogger(__name__)


@contextmanager
def document(key: str) -> Iterator[None]:
    """Let an unexpected exception of the work inside put this one document into quarantine.

    Raises:
        InternalError: in its place, with its class and none of its text, which may hold a customer's data.
    """
    try:
        yield
    except (TillbridgeError, exc.SQLAlchemyError, OSError):
        raise  # said already, or the database's or the machine's: not this document's
    except Exception as fault:
        found = internal_error(key, fault)
    else:
        return
    raise found


def internal_error(key: str, fault: Exception) -> InternalError:
    """Name a fault of the program by its class; the log gets the lines that led there, without values."""
    name = type(fault).__name__
    lines = traceback.extract_tb(fault.__traceback__)
    way = " < ".join(f"{line.name}:{line.lineno}" for line in reversed(lines))
    _log.error("Internal error %s at %s", name, way)
    expected = (
        f"no internal error of tillbridge; here was one ({name}). Nothing is wrong with the document as far as "
        "is known: send the run's log to whoever looks after tillbridge"
    )
    return InternalError(key, (Finding("", None, expected),))
