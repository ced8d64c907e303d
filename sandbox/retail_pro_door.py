"""Who is let in to the Retail Pro stand-in: every credential mode, with Prism sessions and seats."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from typing import Literal

CredentialMode = Literal["none", "basic", "bearer", "api_key_header", "prism_session"]

USER = "tillbridge"
PASSWORD = "pass-word-of-the-sandbox"
TOKEN = "token-of-the-sandbox"
API_KEY = "key-of-the-sandbox"
API_KEY_HEADER = "X-API-Key"


class Door:
    """Checks credentials. Sessions live in memory only, as they do in a server that restarts."""

    def __init__(self, mode: CredentialMode) -> None:
        self.mode = mode
        self.logins = 0
        self._nonces: set[str] = set()
        self.sessions: set[str] = set()
        self._seated: set[str] = set()

    @property
    def seats_taken(self) -> int:
        """How many sessions hold a seat."""
        return len(self._seated)

    def lets_in(self, headers: Mapping[str, str]) -> bool:
        """Say whether a call with these headers may do anything."""
        match self.mode:
            case "none":
                return True
            case "basic":
                pair = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
                return headers.get("authorization") == f"Basic {pair}"
            case "bearer":
                return headers.get("authorization") == f"Bearer {TOKEN}"
            case "api_key_header":
                return headers.get(API_KEY_HEADER) == API_KEY
            case "prism_session":
                return headers.get("auth-session", "") in self._seated

    def give_nonce(self) -> str:
        """Give a nonce that is good for one login."""
        nonce = str(secrets.randbelow(10**12))
        self._nonces.add(nonce)
        return nonce

    def log_in(self, user: str, password: str, headers: Mapping[str, str]) -> str | None:
        """Give a new session, or None where nonce, answer, user or password is wrong."""
        nonce = headers.get("auth-nonce", "")
        if nonce not in self._nonces:
            return None
        self._nonces.remove(nonce)
        answer = str(((int(nonce) // 13) % 99999) * 17)
        if (headers.get("auth-nonce-response"), user, password) != (answer, USER, PASSWORD):
            return None
        session = secrets.token_hex(16)
        self.sessions.add(session)
        self.logins += 1
        return session

    def knows(self, headers: Mapping[str, str]) -> bool:
        """Say whether the call belongs to a session, seated or not."""
        return headers.get("auth-session", "") in self.sessions

    def sit(self, headers: Mapping[str, str]) -> None:
        """Give the call's session a seat."""
        self._seated.add(headers["auth-session"])

    def stand(self, headers: Mapping[str, str]) -> None:
        """Take the seat of the call's session back."""
        self._seated.discard(headers["auth-session"])

    def expire_sessions(self) -> None:
        """End every session, as an idle time-out or a restart does."""
        self.sessions.clear()
        self._seated.clear()
