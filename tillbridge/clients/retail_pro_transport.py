"""HTTP connections that keep a total deadline per call and know whether a byte went out.

httpx time-outs are per read, so a server that drips would hold a call for ever; here every read and
write gets the time that is left of the whole call. A connection on which more came than the answer is not
used again. Nothing here repeats, redirects or uses a proxy.
"""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore
import httpx

from tillbridge.clients.deadline import Deadline
from tillbridge.clients.retail_pro_leftover import has_leftover

# A server that closes an idle connection while we write on it leaves the call without an answer. Servers
# wait five seconds and more, so connections are left alone well before that.
_IDLE_SECONDS = 2.0

# A closed connection is reset: else the system goes on delivering, long after the call's deadline or its
# process's death, whatever of an order the server was too slow to take.
_DELIVER_NOTHING_MORE = (socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Withdrawn(Exception):
    """The call was withdrawn before its first byte; nothing was sent."""


class Call(Deadline):
    """One call on the wire, in the thread that makes it.

    `sent` turns true just before the first byte of the request (not
    of the connection or its TLS handshake) is handed to the system; `is_withdrawn` is asked right before
    that, and never again.
    """

    def __init__(self, until: float, is_withdrawn: Callable[[], bool]) -> None:
        super().__init__(until)
        self.sent = False
        self._is_withdrawn = is_withdrawn

    def seconds(self, at_most: float | None, otherwise: type[httpcore.TimeoutException]) -> float:
        """Return the seconds that the next step may take; raise `otherwise` when there are none."""
        try:
            return self.left(at_most)
        except TimeoutError as error:
            raise otherwise(str(error)) from error

    def begin(self) -> None:
        """Take note that the next byte goes out; raise `Withdrawn` when not even the first may."""
        if not self.sent and self._is_withdrawn():
            raise Withdrawn
        self.sent = True


class DeadlineTransport(httpx.BaseTransport):
    """The transport of the one shared httpx client; each thread has its own call."""

    def __init__(self, tls: ssl.SSLContext, connections: int) -> None:
        self._backend = _Backend()
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls,
            max_connections=connections,
            keepalive_expiry=_IDLE_SECONDS,
            socket_options=[_DELIVER_NOTHING_MORE],
            network_backend=self._backend,
        )

    @contextmanager
    def call(self, until: float, is_withdrawn: Callable[[], bool]) -> Iterator[Call]:
        """Give this thread's requests the deadline `until`, and say what became of them."""
        self._backend.calls.current = call = Call(until, is_withdrawn)
        yield call

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request, once; httpcore's own exceptions come through as they are."""
        assert isinstance(request.stream, httpx.SyncByteStream)  # noqa: S101 - narrows a union
        response = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(
            response.status,
            headers=response.headers,
            stream=_Body(response),
            extensions=response.extensions,
        )

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        yield from self._response.iter_stream()
        if has_leftover(self._response):
            self._response.extensions["network_stream"].spoil()

    def close(self) -> None:
        self._response.close()


class _Calls(threading.local):
    current: Call


class _Backend(httpcore.NetworkBackend):
    def __init__(self) -> None:
        self._inner = httpcore.SyncBackend()
        self.calls = _Calls()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        seconds = self.calls.current.seconds(timeout, httpcore.ConnectTimeout)
        stream = self._inner.connect_tcp(host, port, seconds, local_address, socket_options)
        return _Stream(stream, self.calls)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, calls: _Calls) -> None:
        self._inner = inner
        self._calls = calls
        self._is_spoilt = False

    def spoil(self) -> None:
        """Let the pool close the connection instead of using it again."""
        self._is_spoilt = True

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        seconds = self._calls.current.seconds(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, seconds), self._calls)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        seconds = self._calls.current.seconds(timeout, httpcore.ReadTimeout)
        return self._inner.read(max_bytes, seconds)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # Not the inner write: it would give every piece of a long body the whole time again.
        call = self._calls.current
        connection = self._inner.get_extra_info("socket")
        rest = memoryview(buffer)
        try:
            while rest:
                connection.settimeout(call.seconds(timeout, httpcore.WriteTimeout))
                call.begin()
                rest = rest[connection.send(rest) :]
        except TimeoutError as error:
            raise httpcore.WriteTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.WriteError(str(error)) from error

    def close(self) -> None:
        self._inner.close()

    def get_extra_info(self, info: str) -> Any:
        # The pool asks this of an idle connection, and takes one that has something to say for closed.
        if info == "is_readable" and self._is_spoilt:
            return True
        return self._inner.get_extra_info(info)
