"""One HTTP request to Retail Pro, told as facts.

Nothing here repeats a request, and nothing the far end does is raised: `Exchange` says it. The client
in `tillbridge.clients.retail_pro` decides what is sent.
"""

from __future__ import annotations

import logging
import ssl
import zlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import httpcore
import httpx

from tillbridge.clients.retail_pro_exchange import read_retry_after
from tillbridge.clients.retail_pro_settings import RetailProSettings
from tillbridge.clients.retail_pro_transport import Call, DeadlineTransport, Withdrawn
from tillbridge.contracts.http_exchange import Exchange
from tillbridge.errors import ConfigurationProblem

WITHDRAWN = "the run was stopped before anything was sent"

_FAR_END = (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError)


class Wire:
    """The connections to one Retail Pro server, shared by all threads."""

    def __init__(self, settings: RetailProSettings) -> None:
        _quiet_the_http_loggers()
        self._settings = settings
        self.server = settings.base_url
        self._transport = DeadlineTransport(_tls(settings), settings.parallel_calls)
        self._http = httpx.Client(
            transport=self._transport,
            trust_env=False,
            headers={
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "Connection": _connection(settings),
            },
            timeout=httpx.Timeout(settings.read_timeout, connect=settings.connect_timeout),
        )

    def send(
        self,
        method: str,
        path: str,
        until: float,
        *,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        is_withdrawn: Callable[[], bool] = lambda: False,
    ) -> Exchange:
        """Send one request, once, and say what is known when it ends, at the latest at `until` (monotonic).

        `is_withdrawn` is asked right before the first byte; when it says so, nothing is sent.
        """
        with self._transport.call(until, is_withdrawn) as call:
            try:
                with self._http.stream(
                    method,
                    self._settings.base_url + path,
                    headers=headers,
                    params=query,
                    content=body,
                ) as response:
                    return self._answered(response, call)
            except Withdrawn:
                return Exchange("not_sent", problem=WITHDRAWN)
            except _FAR_END as error:
                return self._unanswered(error, call)
            except Exception as error:  # a far end never ends a run with an error that is not ours
                return self._stumbled(error, call)

    def close(self) -> None:
        """Close every connection."""
        self._http.close()

    def _answered(self, response: httpx.Response, call: Call) -> Exchange:
        body, problem = b"", None
        try:
            body = self._read(response)
        except _Unread as unread:
            body, problem = unread.body, unread.problem
        if problem and call.over:
            problem = self._too_slow()
        return Exchange(
            "answered",
            status=response.status_code,
            retry_after=read_retry_after(response.headers.get("Retry-After"), datetime.now(UTC)),
            body=body,
            body_complete=problem is None,
            problem=problem,
            headers=dict(response.headers),
        )

    def _read(self, response: httpx.Response) -> bytes:
        limit = self._settings.max_answer_bytes
        body = bytearray()
        try:
            for piece in response.iter_raw():
                body += piece
                if len(body) > limit:
                    raise _Unread(bytes(body[:limit]), f"the answer is longer than {limit} bytes")
        except _FAR_END as error:
            raise _Unread(bytes(body), "the answer was cut off before its end") from error
        return _unpacked(bytes(body), response.headers.get("Content-Encoding", "identity"), limit)

    def _unanswered(self, error: Exception, call: Call) -> Exchange:
        if call.sent:
            if call.over:
                problem = self._too_slow()
            elif isinstance(error, httpcore.TimeoutException):
                problem = f"{self.server} did not answer within {self._settings.read_timeout:g} s"
            else:
                problem = f"{self.server} closed the connection or did not answer in HTTP"
            return Exchange("sent_no_answer", problem=problem)
        certificate = _tls_problem(error)
        if certificate is not None:
            return Exchange(
                "not_sent",
                problem=f"no TLS connection to {self.server}: {certificate};"
                " check its certificate, the CA file and the scheme in the Retail Pro block",
                configuration=True,
            )
        reason = str(error) or "no answer in time"
        return Exchange("not_sent", problem=f"cannot connect to {self.server}: {reason}")

    def _stumbled(self, error: Exception, call: Call) -> Exchange:
        # Its text is left out: it may quote a header that lets us in.
        problem = f"a call to {self.server} could not be made or read ({type(error).__name__})"
        return Exchange("sent_no_answer" if call.sent else "not_sent", problem=problem)

    def _too_slow(self) -> str:
        return f"{self.server} did not finish its answer within the deadline of {self._settings.deadline:g} s"


class _Unread(Exception):
    def __init__(self, body: bytes, problem: str) -> None:
        super().__init__(problem)
        self.body = body
        self.problem = problem


def _unpacked(body: bytes, encoding: str, limit: int) -> bytes:
    """Unpack an answer that is packed although we asked for a plain one; never beyond `limit` bytes."""
    if encoding.lower() == "identity":
        return body
    if encoding.lower() != "gzip":
        raise _Unread(body, f"the answer is packed as {encoding!r}, which was not asked for")
    unpacker = zlib.decompressobj(wbits=31)
    try:
        plain = unpacker.decompress(body, limit)
    except zlib.error as error:
        raise _Unread(body, "the answer says it is gzip and is not") from error
    if not unpacker.eof or unpacker.unused_data:
        raise _Unread(plain, f"the answer is cut off, or longer than {limit} bytes when unpacked")
    return plain


def _connection(settings: RetailProSettings) -> str:
    """Choose what the header Connection says.

    Without the order's number in it nothing but the connection tells whose answer one is, so each call has
    its own.
    """
    return "keep-alive" if settings.answer.order_no else "close"


def _tls(settings: RetailProSettings) -> ssl.SSLContext:
    if settings.ca_file is None or not settings.verify_tls:
        return httpx.create_ssl_context(verify=settings.verify_tls, trust_env=False)
    try:
        return ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:  # an SSLError is one too
        raise ConfigurationProblem(
            f"ca_file {settings.ca_file} of the Retail Pro block is not a readable PEM file: {error}"
        ) from error


def _tls_problem(error: BaseException) -> str | None:
    """Find the TLS error that needs a person behind a failed connection."""
    cause: BaseException | None = error
    while cause is not None:
        # A connection that just ends during the handshake is the network's doing, not a setting's.
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError):
            return str(
                cause.verify_message
                if isinstance(cause, ssl.SSLCertVerificationError)
                else cause.reason
            )
        cause = cause.__cause__ or cause.__context__
    return None


def _quiet_the_http_loggers() -> None:
    """Keep what httpx and httpcore log about a request out of every log of this process.

    httpx logs each URL, and a Prism login carries the password in it; httpcore logs the session. A
    filter holds whatever level somebody sets.
    """
    for name in ("httpx", "httpcore.http11"):
        logging.getLogger(name).addFilter(_is_no_request_line)


def _is_no_request_line(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING
