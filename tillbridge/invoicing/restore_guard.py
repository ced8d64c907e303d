"""Notices that the database was restored from a backup, by the answers it has stored on SFTP since.

A ledger that has forgotten what it sent would send it again. The names of the files in `responses/`
carry the number of an attempt; a number that the ledger has not come to yet gives it away.
"""

from __future__ import annotations

import re

from sqlalchemy import Engine

from tillbridge.clients.sftp import SftpClient
from tillbridge.errors import ConfigurationProblem
from tillbridge.invoicing.ledger import responses, restores
from tillbridge.profile import Profile

_NAME = re.compile(r"InvoiceResponses-(\d{4}(?:-\d\d){5})-(\d+)\.json")


def require_whole_ledger(engine: Engine, client: SftpClient, profile: Profile) -> None:
    """Make sure that the ledger knows every attempt whose answer lies on SFTP.

    Raises:
        ConfigurationProblem: it does not, so nothing may be sent.
    """
    last_attempt = responses.last_attempt(engine)
    known_about = restores.last_began_at(engine)
    folder = f"{profile.order_to_invoice_folder}/responses"
    for file in client.list(folder, ".json"):
        named = _NAME.fullmatch(file.name)
        if named is None or int(named[2]) <= last_attempt:
            continue
        if known_about is None or named[1] > f"{known_about:%Y-%m-%d-%H-%M-%S}":
            raise ConfigurationProblem(
                f"{folder}/{file.name} holds answers that the database does not know: it was restored from "
                "a backup, or is another database. Nothing is sent. Stop every worker and run "
                "`tillbridge after-restore`, or correct the Order Database block"
            )
