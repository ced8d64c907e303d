"""Retail Pro's answers, stored on SFTP under `responses/`.

They lie in the database first, so storing them can fail and be repeated without another call.
"""

from __future__ import annotations

from sqlalchemy import Engine

from tillbridge.clients.exchange import Folder
from tillbridge.clients.sftp import SftpClient
from tillbridge.contracts import json_text
from tillbridge.invoicing.ledger import responses
from tillbridge.invoicing.ledger.responses import Response
from tillbridge.profile import Profile


def store_responses(engine: Engine, client: SftpClient, profile: Profile) -> int:
    """Store every answer that is not stored yet, in files of up to 500; returns how many.

    Raises:
        Unavailable: the server cannot take them now; the next run stores what is left.
    """
    folder = Folder(client, f"{profile.order_to_invoice_folder}/responses")
    stored = 0
    while batch := responses.next_batch(engine, profile.product_store_id):
        document = [_written(response) for response in batch.responses]
        folder.publish(batch.file_name, json_text.write_readable(document))
        responses.mark_stored(engine, batch)
        stored += len(batch.responses)
    return stored


def _written(response: Response) -> dict[str, object]:
    return {
        "orderNo": response.order_no,
        "orderId": response.order_id,
        "attempt": response.attempt,
        "sentAt": response.sent_at.isoformat(),
        "endedAt": response.ended_at.isoformat(),
        "outcome": response.outcome,
        "httpStatus": response.http_status,
        # The bytes may be cut or no text at all; what can be shown is shown.
        "answer": response.answer.decode("utf-8", errors="backslashreplace"),
    }
