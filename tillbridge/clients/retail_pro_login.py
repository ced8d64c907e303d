"""How a call to Retail Pro proves who sends it: a fixed header, or a Prism session.

A Prism login carries the password in its query string, so its URL is never logged or put into an error.
"""

from __future__ import annotations

import base64
import logging
import threading
import time
from collections.abc import Mapping
from typing import Protocol

from tillbridge.clients.retail_pro_exchange import as_error
from tillbridge.clients.retail_pro_settings import RetailProSettings
from tillbridge.clients.retail_pro_wire import Wire
from tillbridge.contracts.http_exchange import Exchange
from tillbridge.errors import Unavailable

_AUTH = "/v1/rest/auth"
_LONGEST_HEADER = (
    200  # Prism's have some 20 characters; Python reads no number of more than 4,300 digits
)
_logger = logging.getLogger(__name__)


class Credential(Protocol):
    """Gives the headers that a call needs to be let in."""

    def headers(self, until: float) -> Mapping[str, str]:
        """Give the headers, after logging in where that is still to be done.

        Raises:
            Unavailable: there was no answer by `until` (monotonic), or no seat is free.
            ConfigurationProblem: the user or the secret was refused.
        """

    def renew(self, refused: Mapping[str, str], until: float) -> Mapping[str, str] | None:
        """Give other headers after `refused` were answered with 401 or 403; None if there are none.

        Raises what `headers` raises.
        """

    def close(self) -> None:
        """Give back what the far end holds for us."""


class FixedHeaders:
    """A credential that is the same on every call."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def headers(self, until: float) -> Mapping[str, str]:  # noqa: D102
        return self._headers

    def renew(self, refused: Mapping[str, str], until: float) -> None:  # noqa: D102
        return None

    def close(self) -> None:  # noqa: D102
        pass


class PrismSession:
    """One Prism session with its seat, shared by all threads and renewed when it has ended."""

    def __init__(self, settings: RetailProSettings, wire: Wire) -> None:
        self._settings = settings
        self._wire = wire
        self._session: Mapping[str, str] | None = None
        self._lock = threading.Lock()

    def headers(self, until: float) -> Mapping[str, str]:  # noqa: D102
        return self._current(None, until)

    def renew(self, refused: Mapping[str, str], until: float) -> Mapping[str, str]:  # noqa: D102
        return self._current(refused, until)

    def close(self) -> None:
        """Give the seat back; a server that does not take it back frees it in its own time."""
        session, self._session = self._session, None
        if session is not None:
            until = time.monotonic() + self._settings.connect_timeout
            answer = self._wire.send("GET", "/v1/rest/stand", until, headers=session)
            if answer.status is None or answer.status >= 300:
                _logger.warning("Retail Pro did not confirm that the seat was given back.")

    def _current(self, refused: Mapping[str, str] | None, until: float) -> Mapping[str, str]:
        if not self._lock.acquire(timeout=max(until - time.monotonic(), 0)):
            raise Unavailable("Retail Pro login: another thread's login did not end in time")
        try:
            # Where another thread has renewed it meanwhile, theirs is taken: one seat, one session.
            if self._session is None or self._session == refused:
                self._session = None
                self._session = self._log_in(until)
            return self._session
        finally:
            self._lock.release()

    def _log_in(self, until: float) -> Mapping[str, str]:
        nonce = self._header(self._get(_AUTH, until), "auth-nonce")
        session = self._header(
            self._get(
                _AUTH,
                until,
                headers={"Auth-Nonce": nonce, "Auth-Nonce-Response": nonce_response(nonce)},
                query={"usr": self._settings.user or "", "pwd": _secret(self._settings.password)},
            ),
            "auth-session",
        )
        headers = {"Auth-Session": session}
        self._get("/v1/rest/session", until, headers=headers)
        self._get(
            "/v1/rest/sit",
            until,
            headers=headers,
            query={"ws": self._settings.session_work_station},
        )
        return headers

    def _get(
        self,
        path: str,
        until: float,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Exchange:
        answer = self._wire.send("GET", path, until, headers=headers, query=query)
        if answer.status is None or not 200 <= answer.status < 300:
            raise as_error(answer, f"Retail Pro login ({path})")
        return answer

    def _header(self, answer: Exchange, name: str) -> str:
        value = answer.headers.get(name, "")
        is_usable = 0 < len(value) <= _LONGEST_HEADER and value.isascii() and value.isprintable()
        if not is_usable or (name == "auth-nonce" and not value.isdecimal()):
            raise Unavailable(
                f"Retail Pro login ({_AUTH}): the answer has no usable {name} header; expected"
                f" {'digits' if name == 'auth-nonce' else 'plain ASCII'}, at most {_LONGEST_HEADER} characters"
            )
        return value


def nonce_response(nonce: str) -> str:
    """Work out the answer that Prism expects to its nonce, a decimal number."""
    return str(int(nonce) // 13 % 99_999 * 17)


def credential(settings: RetailProSettings, wire: Wire) -> Credential:
    """Make the credential that the settings ask for."""
    match settings.credential_mode:
        case "none":
            return FixedHeaders({})
        case "basic":
            pair = f"{settings.user}:{_secret(settings.password)}".encode()
            return FixedHeaders({"Authorization": f"Basic {base64.b64encode(pair).decode()}"})
        case "bearer":
            return FixedHeaders({"Authorization": f"Bearer {_secret(settings.token)}"})
        case "api_key_header":
            return FixedHeaders({settings.api_key_header: _secret(settings.api_key)})
        case "prism_session":
            return PrismSession(settings, wire)


def _secret(value: object) -> str:
    reveal = getattr(value, "get_secret_value", str)
    return str(reveal())
