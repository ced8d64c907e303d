"""What failed in one file: the error file that can be mended and dropped again, and whom to tell."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tillbridge.clients.sftp import SftpClient
from tillbridge.errors import FileConflict, RecordRejected
from tillbridge.handover import reasons
from tillbridge.handover.failures import NewFailure
from tillbridge.handover.rejects import About
from tillbridge.handover.taken_file import TakenFile

FOLDER = "error"
"""Below the import folder, as in HotWax."""

_LONGEST_STEM = 120  # bytes; the file has to be taken again when it was mended


def publish_error_file(
    client: SftpClient, folder: str, file_name: str, content: bytes | Path
) -> str:
    """Write the failed records of a file into the folder's `error/`, and give the error file's name.

    Doing it again gives the same file. Where other records of a file of that name failed before, the
    name gets a mark of the content.

    Raises:
        Unavailable: the server cannot take it now.
    """
    name = Path(file_name)
    stem = name.stem.encode()[:_LONGEST_STEM].decode(errors="ignore")
    error_file = f"{stem}-Error{name.suffix}"
    try:
        client.put(f"{folder}/{FOLDER}/{error_file}", content)
    except FileConflict:
        whole = content if isinstance(content, bytes) else content.read_bytes()
        mark = hashlib.sha256(whole).hexdigest()[:8]
        error_file = f"{stem}-Error-{mark}{name.suffix}"
        client.put(f"{folder}/{FOLDER}/{error_file}", content)
    return error_file


def failure(
    file: TakenFile,
    product_store_id: str,
    about: About,
    problem: RecordRejected,
    next_step: str,
    place: int,
) -> NewFailure:
    """Give the failure of one record, as people are told of it."""
    return NewFailure(
        kind="quarantined",
        journey="tills",
        product_store_id=product_store_id,
        order_no=about.order_no,
        order_id=about.order_id,
        store=about.store,
        amount=about.amount,
        currency=about.currency,
        reason_code=reasons.code(problem, "record"),
        reason=reasons.sentences(problem.findings),
        next_step=next_step,
        source_file=file.name,
        # A record that is dropped again and still fails is reported again.
        occasion=f"{place} {file.occasion}",
    )
