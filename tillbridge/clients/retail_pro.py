"""The one door to Retail Pro: send an invoice, look one up, read stock, check the connection.

It says what is known about a call (`Exchange`), never what that means for an order; the settings are in
`retail_pro_settings`, one request on the wire in `retail_pro_wire`.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from itertools import count
from types import TracebackType
from typing import Self

from tillbridge.clients.retail_pro_exchange import as_error, not_sent
from tillbridge.clients.retail_pro_login import credential
from tillbridge.clients.retail_pro_pace import Pace
from tillbridge.clients.retail_pro_settings import RetailProSettings
from tillbridge.clients.retail_pro_stock import StockReading, StockRow
from tillbridge.clients.retail_pro_wire import WITHDRAWN, Wire
from tillbridge.contracts.http_exchange import Exchange, Posting, Stage
from tillbridge.contracts.invoice_lookup import FoundInvoice, read_found
from tillbridge.errors import (
    ConfigurationProblem,
    Finding,
    RecordRejected,
    TillbridgeError,
    Unavailable,
)

__all__ = ["Exchange", "RetailProClient", "RetailProSettings", "Stage", "StockRow"]

_HARMLESS_NUMBER = re.compile(r"[A-Za-z0-9._-]+")
# One character longer than the invoice contract allows, and digits only for servers that want a number.
_NO_ORDER = "9999999999"


class RetailProClient:
    """One Retail Pro server, for all threads of a run; close it to end its calls and give the seat back."""

    def __init__(self, settings: RetailProSettings) -> None:
        """Prepare the client without connecting.

        Raises:
            ConfigurationProblem: the CA file cannot be used, or the credential may not go over this line.
        """
        if settings.clear_text_problem:
            raise ConfigurationProblem(settings.clear_text_problem)
        self._settings = settings
        self._wire = Wire(settings)
        self._credential = credential(settings, self._wire)
        self._pace = Pace(settings.calls_per_second)
        self._slots = threading.BoundedSemaphore(settings.parallel_calls)
        self._is_closing = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let no further order be sent, wait for the calls under way, and disconnect.

        Each of them ends by its deadline, with its answer if there is one. Threads whose order was not
        sent yet are told so.
        """
        self._is_closing.set()
        self._let_calls_end()
        self._credential.close()
        self._wire.close()

    def post_invoice(self, order: Callable[[], Posting]) -> Exchange:
        """Send one order to be invoiced, once, and say what is known about it.

        `order` is called once, after the wait for a free slot, the pace and the login, when nothing but
        sending what it gives is left to do; where it never comes to that, it is not called. What it
        raises goes to the caller, and nothing is sent. From its return all ends within the deadline.
        """
        with self._slots:
            if self._is_closing.is_set():
                return Exchange("not_sent", problem=WITHDRAWN)
            quiet = self._pace.wait_for_turn()
            if quiet:
                return Exchange("not_sent", retry_after=quiet, problem=self._asked_for(quiet))
            try:
                headers = self._credential.headers(self._until())
            except TillbridgeError as error:
                return not_sent(error)
            posting = order()
            return self._minded(self._post(posting, headers, self._until()))

    def find_invoices(self, order_no: str) -> list[FoundInvoice]:
        """Give every invoice that Retail Pro has of one order; an empty list is its word that there is none.

        Raises:
            Unavailable: there was no usable answer, so nothing is known; ask again later.
            ConfigurationProblem: the credential, the path or a setting under `lookup` is wrong.
            RecordRejected: the number has characters that could change the meaning of the query, so it is
                not asked for; a person has to look this one order up.
        """
        if not _HARMLESS_NUMBER.fullmatch(order_no):
            finding = Finding(
                "/OrderNo", order_no, "letters, digits, '.', '_' and '-' for a look-up"
            )
            raise RecordRejected(order_no, (finding,))
        reading = self._settings.lookup
        found: list[FoundInvoice] = []
        with self._slots:
            until = self._until()
            page = 0
            while True:
                page += 1
                rows = read_found(self._lookup_page(order_no, page, until), reading, order_no)
                if rows and rows == found[-len(rows) :]:
                    raise ConfigurationProblem(
                        f"looking up an invoice: page {page} equals page {page - 1}; {reading.path}"
                        " does not page, so take {page_no} out of lookup.query"
                    )
                found += rows
                # A short page is not taken for the last: a server may cap pages below the size asked for.
                if not rows or not reading.has_pages:
                    return found

    def read_stock(self) -> Iterator[StockRow]:
        """Give every row of the stock query, page by page, until a page is empty.

        Raises:
            Unavailable: Retail Pro does not answer, or not in time; what was given so far is not all.
            ConfigurationProblem: the credential, path or a stock setting is wrong, or the pages have no end.
        """
        reading = StockReading(self._settings)
        for page in count(1):
            # A short page is not taken for the last: a server may cap pages below the size asked for.
            rows = reading.rows(self._stock_page(page, reading), page)
            if not rows:
                return
            yield from rows

    def check(self) -> str:
        """Say in one line that Retail Pro can be reached and lets us in, without sending an order.

        Where invoices are to be looked up, it looks for one of an order that cannot exist.

        Raises:
            Unavailable: it cannot be reached now.
            ConfigurationProblem: TLS, user or secret is wrong, or the look-up is not as the settings say.
        """
        exchange = self._get(self._settings.invoice_path, self._until())
        # A GET where only POST is served is answered 404 or 405: the server is there, and that is all
        # that can be known without sending an order.
        if exchange.status is None or exchange.status in {401, 403} or exchange.status >= 500:
            raise as_error(exchange, f"checking {self._wire.server}")
        said = (
            f"{self._wire.server} answers (HTTP {exchange.status} to a GET of the invoice path);"
            f" credential mode {self._settings.credential_mode}"
        )
        if self._settings.capability in {"L1", "L2"}:
            if self.find_invoices(_NO_ORDER):
                raise ConfigurationProblem(
                    f"looking up an invoice: there is one of order {_NO_ORDER}, which cannot exist;"
                    " check lookup.query"
                )
            said += f"; the look-up of order {_NO_ORDER}, which cannot exist, came back empty"
        return said

    def _let_calls_end(self) -> None:
        """Take every slot once: who comes after that sees that the client is closing."""
        with ExitStack() as every_slot:
            for _ in range(self._settings.parallel_calls):
                every_slot.enter_context(self._slots)

    def _asked_for(self, quiet: float) -> str:
        return f"{self._wire.server} asked for no calls for another {quiet:.0f} s"

    def _minded(self, exchange: Exchange) -> Exchange:
        if exchange.retry_after and exchange.status in {429, 503}:
            self._pace.keep_quiet(exchange.retry_after)
        return exchange

    def _until(self) -> float:
        return time.monotonic() + self._settings.deadline

    def _post(self, posting: Posting, headers: Mapping[str, str], until: float) -> Exchange:
        fixed = {"Content-Type": "application/json"}
        if posting.key is not None:
            fixed[self._settings.key_header] = posting.key

        def send(headers: Mapping[str, str]) -> Exchange:
            return self._wire.send(
                "POST",
                self._settings.invoice_path,
                until,
                headers={**fixed, **headers},
                body=posting.body,
                is_withdrawn=self._is_closing.is_set,
            )

        # Sending again is safe in this one case: 401 and 403 say that the first was refused at the door.
        try:
            return self._let_in(send, headers, until)
        except TillbridgeError as error:
            return not_sent(error)

    def _get(self, path: str, until: float, query: Mapping[str, str] | None = None) -> Exchange:
        def send(headers: Mapping[str, str]) -> Exchange:
            return self._wire.send("GET", path, until, headers=headers, query=query)

        return self._let_in(send, self._credential.headers(until), until)

    def _let_in(
        self,
        send: Callable[[Mapping[str, str]], Exchange],
        headers: Mapping[str, str],
        until: float,
    ) -> Exchange:
        """Send; where a Prism session has ended, log in anew and send that once more."""
        exchange = send(headers)
        if exchange.status in {401, 403}:
            renewed = self._credential.renew(headers, until)
            if renewed is not None:
                return send(renewed)
        return exchange

    def _lookup_page(self, order_no: str, page: int, until: float) -> bytes:
        quiet = self._pace.wait_for_turn()
        if quiet:
            raise Unavailable(f"looking up an invoice: {self._asked_for(quiet)}")
        reading = self._settings.lookup
        exchange = self._minded(
            self._get(reading.path, until, reading.parameters(order_no, page)),
        )
        if exchange.status in {400, 404, 405, 422}:
            raise ConfigurationProblem(
                f"looking up an invoice: HTTP {exchange.status};"
                " check lookup.path and lookup.query in the Retail Pro block"
            )
        if exchange.status != 200 or not exchange.body_complete:
            raise as_error(exchange, "looking up an invoice")
        return exchange.body

    def _stock_page(self, page: int, reading: StockReading) -> bytes:
        settings = self._settings
        members = (
            settings.stock_store_member,
            settings.stock_upc_member,
            settings.stock_quantity_member,
        )
        exchange = self._get(
            settings.stock_path,
            min(self._until(), reading.until),
            {
                "cols": ",".join(members),
                "page_no": str(page),
                "page_size": str(settings.stock_page_size),
            },
        )
        if exchange.status != 200 or not exchange.body_complete:
            reading.require_time(page)
            raise as_error(exchange, f"reading stock page {page} of {self._wire.server}")
        return exchange.body
