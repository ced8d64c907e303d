"""Keeps a ledger that has forgotten what it sent, or that is another one, from sending.

What may be sent is judged by the marker beside the Order to Invoice folder (`tillbridge.invoicing.marker`)
at the start of a run; before each order its number is on SFTP before its first byte goes out.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import timedelta
from uuid import uuid4

from sqlalchemy import Engine

from tillbridge.clients.exchange import Folder
from tillbridge.clients.sftp import SftpClient
from tillbridge.errors import ConfigurationProblem, FileChanged, FileRejected
from tillbridge.invoicing import marker, old_answers
from tillbridge.invoicing.ledger import restores, sendings
from tillbridge.invoicing.marker import Mark
from tillbridge.profile import Profile

_LEFT_BEHIND = timedelta(days=1)


class RestoreGuard:
    """The marker of one product store's orders, as one run moves it on; threads may share it.

    Making one lets the ledger's own marker stand on SFTP. `not_ours` are files among the stored answers
    that tillbridge did not write; they stop nothing.

    Raises:
        ConfigurationProblem: the ledger does not know all that was sent from here, so nothing may be sent.
        Unavailable: the SFTP server is down.
    """

    def __init__(self, engine: Engine, client: SftpClient, profile: Profile) -> None:
        self._engine = engine
        self._client = client
        self._store = profile.product_store_id
        self._folder = marker.folder_beside(profile.order_to_invoice_folder)
        self._run = uuid4().hex[:8]
        self._moving = threading.Lock()
        self._wanted = 0
        client.sweep(self._folder, _LEFT_BEHIND)
        answers = old_answers.look_through(
            engine, client, f"{profile.order_to_invoice_folder}/responses"
        )
        self.not_ours = answers.not_ours
        self._begin(answers.unknown)

    def reach(self, sending: int) -> None:
        """Let the marker say at least that number of sending; only then may its first byte go out.

        Raises:
            Unavailable: the SFTP server is down, so the order must not be sent now.
            ConfigurationProblem: another ledger sends from here, or the server does not allow it.
        """
        # Orders are armed in groups: whoever of a group comes first moves the marker for all of it.
        self._wanted = max(self._wanted, sending)
        with self._moving:
            if sending > self._own.sendings:
                self._move_on(self._own._replace(sendings=max(self._wanted, sending)))

    def _begin(self, unknown_answers: str) -> None:
        is_restoring = bool(restores.why_nothing_is_sent(self._engine))
        found, own = self._look()
        if not is_restoring:
            _require(marker.objection(own, found, self._folder))
            _require("" if found else unknown_answers)
        self._publish(own)
        for name, mark in found.items():
            # While a restore is open nothing is sent, and what other ledgers say is overcome by its end.
            if mark and marker.is_overcome(mark, own, is_restoring=is_restoring):
                self._client.remove(self._path(name))
        if not is_restoring:
            # Another ledger may have come at the same moment; the later of the two sees the other.
            self._require_whole()

    def _require_whole(self) -> None:
        found, own = self._look()
        _require(marker.objection(own, found, self._folder))

    def _look(self) -> tuple[Mapping[str, Mark | None], Mark]:
        """Read the markers, and only then what the ledger knows: another run may move both on."""
        found = {
            file.name: marker.read(file.name, self._content(file.path))
            for file in self._client.list(self._folder)
        }
        return found, sendings.standing(self._engine, self._store)

    def _content(self, path: str) -> bytes | None:
        try:
            return self._client.read(path, marker.LARGEST)
        except FileChanged:
            return None
        except FileRejected:
            return b""

    def _publish(self, own: Mark) -> None:
        content = marker.document(own.ledger_id)
        Folder(self._client, self._folder).publish(own.file_name(self._run), content)
        self._own = own

    def _move_on(self, to: Mark) -> None:
        before, after = (self._path(mark.file_name(self._run)) for mark in (self._own, to))
        try:
            self._client.move(before, after)
        except FileChanged:
            # A later run of this ledger cleared it away, or somebody else did.
            self._require_whole()
            self._publish(to)
        self._own = to

    def _path(self, name: str) -> str:
        return f"{self._folder}/{name}"


def _require(objection: str) -> None:
    if objection:
        raise ConfigurationProblem(objection)
