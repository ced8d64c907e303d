"""The far ends together: Retail Pro, SFTP server and mail inbox on loopback, and how to reach them."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any, Self

from sandbox.catalog import BRANDS, Brand
from sandbox.mail import SmtpInbox
from sandbox.openssh import free_port
from sandbox.retail_pro import RetailProStandIn
from sandbox.sftp import SandboxSftp, serve_sftp
from tillbridge.contracts import json_text

TILL_TOKEN = "sandbox-till-0123456789"
SENDER = "tillbridge@brand.example"
RECIPIENT = "finance@brand.example"


class Sandbox:
    """Runs the far ends while the `with` block lasts; what they keep lies in `state`.

    The keyword arguments are those of the Retail Pro stand-in.
    """

    def __init__(
        self,
        state: Path,
        *,
        sftp_port: int = 0,
        retail_pro_port: int = 0,
        mail_port: int = 0,
        receiver_port: int = 0,
        **retail_pro: Any,
    ) -> None:
        self.state = state.resolve()
        self.files = self.state / "sftp"
        self.database_url = f"sqlite:///{self.state / 'tillbridge.db'}"
        self.retail_pro = RetailProStandIn(
            self.state / "retail-pro", port=retail_pro_port, **retail_pro
        )
        self.inbox = SmtpInbox(self.state / "mail", mail_port)
        self.receiver_port = receiver_port or free_port()
        self._metrics_port = free_port()
        self._sftp_port = sftp_port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="sandbox-sftp")

    def __enter__(self) -> Self:
        self.retail_pro.__enter__()
        self.inbox.start()
        self._thread.start()
        self.sftp: SandboxSftp = self._wait_for(
            serve_sftp(self.state / "keys", self.files, self._sftp_port)
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._wait_for(self.sftp.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self.inbox.stop()
        self.retail_pro.__exit__()

    def config(self, brand: Brand = BRANDS[0]) -> str:
        """Write the file for `tillbridge setup` that points at these far ends, as TOML."""
        key = self.state / "keys" / "sftp_client_key"
        return f"""\
# Written by the sandbox: its far ends on loopback, for `tillbridge setup --config`.
[database]
url = {_quoted(self.database_url)}

[sftp]
host = "127.0.0.1"
port = {self.sftp.port}
user = {_quoted(self.sftp.user)}
private_key = {_quoted(f"file:{key}")}
host_keys = [{_quoted(self.sftp.host_key)}]

[retail_pro]
base_url = {_quoted(self.retail_pro.base_url)}
deadline = 10
read_timeout = 5

[retail_pro.answer]
total = "/total"

[mail]
sender = {_quoted(SENDER)}
recipients = [{_quoted(RECIPIENT)}]

[mail.server]
smtp_server = "127.0.0.1"
smtp_port = {self.inbox.port}
smtp_type = "INSECURE"

[profiles.tillbridge]
product_store_id = {_quoted(brand.product_store_id)}
brand = {_quoted(f"Sandbox {brand.country}")}
time_zone = {_quoted(brand.time_zone)}
currency = {_quoted(brand.currency)}

[profiles.tillbridge.tills]
sequence = {{ report_after_minutes = 0 }}

[receiver]
port = {self.receiver_port}
metrics_port = {self._metrics_port}
notice_seconds = 3600
clients = {{ predictspring = {{ bearer_tokens = [{_quoted(TILL_TOKEN)}] }} }}

[profiles.tillbridge.countries]
{brand.country_code} = {_quoted(brand.country)}
"""

    def _wait_for(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=30)


def _quoted(text: str) -> str:
    # A JSON string is a TOML basic string.
    return json_text.write(text).decode()
