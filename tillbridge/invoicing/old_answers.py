"""What the answers in `responses/` tell where no marker stands yet, as after an upgrade.

Their names carry the number of an attempt; one that the ledger has not come to says that it has
forgotten something. A name is believed only if the file is one that tillbridge wrote.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Engine

from tillbridge.clients.sftp import RemoteFile, SftpClient
from tillbridge.contracts import json_text
from tillbridge.errors import FileChanged, FileRejected
from tillbridge.invoicing.ledger import responses, restores
from tillbridge.invoicing.marker import RUNBOOK

_NAME = re.compile(r"InvoiceResponses-\d{4}(?:-\d\d){5}-(\d+)\.json")
_LARGEST = 256 * 1024 * 1024
_CLOCKS_DIFFER = timedelta(days=1)


class OldAnswers(NamedTuple):
    """What is wrong with the ledger, by answers that it does not know, or ""; and files of somebody else."""

    unknown: str
    not_ours: tuple[str, ...]


def look_through(engine: Engine, client: SftpClient, folder: str) -> OldAnswers:
    """Look for answers that the ledger does not know, the latest first."""
    last_attempt = responses.last_attempt(engine)
    known_about = restores.last_began_at(engine)
    not_ours: list[str] = []
    for number, file in sorted(_numbered(client.list(folder, ".json")), reverse=True):
        if number <= last_attempt:
            break
        ended_at = _last_end(client, file)
        if ended_at is None:
            not_ours.append(file.path)
        elif known_about is None or ended_at > known_about:
            return OldAnswers(_objection(file.path), tuple(not_ours))
        else:
            break
    return OldAnswers("", tuple(not_ours))


def _objection(path: str) -> str:
    return (
        f"{path} holds answers that the database does not know: it was restored from a backup, or is "
        "another database. Nothing is sent. Stop every worker and run `tillbridge after-restore`, or "
        f"correct the Order Database block. {RUNBOOK}"
    )


def _numbered(files: Sequence[RemoteFile]) -> list[tuple[int, RemoteFile]]:
    named = ((_NAME.fullmatch(file.name), file) for file in files)
    return [(int(match[1]), file) for match, file in named if match]


def _last_end(client: SftpClient, file: RemoteFile) -> datetime | None:
    """Say when the last attempt of a file of answers ended; None when tillbridge did not write it."""
    try:
        answers = json_text.read(client.read(file.path, _LARGEST))
        ends = [datetime.fromisoformat(_end(answer)) for answer in answers]
    except (FileChanged, FileRejected, KeyError, TypeError, ValueError):
        return None
    latest = datetime.now(UTC) + _CLOCKS_DIFFER
    is_ours = ends and all(end.tzinfo is not None and end < latest for end in ends)
    return max(ends) if is_ours else None


def _end(answer: dict[str, object]) -> str:
    known = answer["orderNo"], answer["outcome"], answer["endedAt"]
    if not all(isinstance(value, str) for value in known) or not isinstance(answer["attempt"], int):
        raise TypeError(answer)
    return str(answer["endedAt"])
