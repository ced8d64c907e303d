"""One SFTP session, with every answer of the server looked at. It knows no rule of ours.

paramiko's file objects drop the errors of pipelined writes and of CLOSE, and do not notice a short
read, so this module speaks to the server with paramiko's requests but not through its files.
"""

from __future__ import annotations

import stat
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import paramiko
from paramiko import sftp as protocol
from paramiko.message import Message

from tillbridge.errors import TillbridgeError

CHUNK = 32_768
"""Bytes in one READ or WRITE; every server takes that much."""

_REQUESTS_ON_THE_WAY = 16


Kind = Literal["file", "folder", "link", "device", "unknown"]


class Refused(Exception):
    """The server answered a request with an error. The session is as good as before."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text

    @property
    def is_missing(self) -> bool:
        """The file or folder is not there."""
        return self.code == int(protocol.SFTP_NO_SUCH_FILE)

    @property
    def is_permission(self) -> bool:
        """The account may not do this."""
        return self.code == int(protocol.SFTP_PERMISSION_DENIED)

    @property
    def is_end_of_file(self) -> bool:
        """There is nothing more to read."""
        return self.code == int(protocol.SFTP_EOF)


class Broken(Exception):
    """The session died or stayed silent. What the last request did is not known."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """What the server says about a file. SFTP knows times to the second."""

    size: int
    modified_at: datetime
    kind: Kind

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file; a server that tells no kind has nothing else."""
        return self.kind in {"file", "unknown"}

    @property
    def is_folder(self) -> bool:
        """Whether it is really a folder, not a link to one."""
        return self.kind in {"folder", "unknown"}


class _Answers(dict[int, tuple[int, Message]]):
    """Where paramiko delivers the answers of requests that nobody waits for one by one."""

    def _async_response(self, kind: int, message: Message, number: int) -> None:
        self[number] = (kind, message)


class SftpChannel(paramiko.SFTPClient):  # type: ignore[misc] # paramiko has no types
    """One SFTP session for one thread at a time.

    Raises nothing but `Refused` and `Broken`.
    """

    server: str
    """The server as errors name it."""

    extensions: frozenset[str]
    """What the server offers beyond version 3 of the protocol."""

    # --- whole files and folders

    def look(self, path: str) -> Attributes:
        """Give the attributes of `path` itself; a symbolic link is not followed."""
        return _attributes(self._ask(protocol.CMD_LSTAT, path))

    def find(self, path: str) -> Attributes | None:
        """Give the attributes of `path` itself, or None when nothing is there."""
        try:
            return self.look(path)
        except Refused as refused:
            if refused.is_missing:
                return None
            raise

    def entries(self, folder: str) -> Iterator[tuple[bytes, Attributes]]:
        """List a folder, without `.` and `..`. Names are the server's bytes, in its order."""
        handle = self._ask(protocol.CMD_OPENDIR, folder).get_string()
        while True:
            try:
                answer = self._ask(protocol.CMD_READDIR, handle)
            except Refused as refused:
                self._let_go(handle)
                if refused.is_end_of_file:
                    return
                raise
            for _ in range(answer.get_int()):
                name = answer.get_string()
                answer.get_string()  # the same as text for people
                attributes = _attributes(answer)
                if name not in {b".", b".."}:
                    yield name, attributes

    def make_folder(self, path: str) -> None:
        """Create one folder; its parent has to be there."""
        self._ask(protocol.CMD_MKDIR, path, paramiko.SFTPAttributes())

    def discard(self, path: str) -> None:
        """Remove a file; one that is not there is as good as removed."""
        try:
            self._ask(protocol.CMD_REMOVE, path)
        except Refused as refused:
            if not refused.is_missing:
                raise

    def rename_to_free(self, source: str, target: str) -> None:
        """Rename, and let the server refuse when `target` exists (OpenSSH does)."""
        self._ask(protocol.CMD_RENAME, source, target)

    def rename_over(self, source: str, target: str) -> None:
        """Rename in one step, whatever stands at `target`; a plain rename where that is not offered."""
        if "posix-rename@openssh.com" in self.extensions:
            self._ask(protocol.CMD_EXTENDED, "posix-rename@openssh.com", source, target)
        else:
            self.rename_to_free(source, target)

    def free_bytes(self, path: str) -> int | None:
        """Say how much may still be written below `path`, or None when the server does not tell."""
        if "statvfs@openssh.com" not in self.extensions:
            return None
        answer = self._ask(protocol.CMD_EXTENDED, "statvfs@openssh.com", path)
        _, fragment, _, _, available = (answer.get_int64() for _ in range(5))
        return int(fragment * available)

    # --- open files

    @contextmanager
    def opened(self, path: str, *, create: bool = False) -> Iterator[bytes]:
        """Open a file to read, or create a new one to write.

        The answer to the CLOSE of a written file is checked: a full disk may show only there.
        """
        flags = protocol.SFTP_FLAG_READ
        if create:
            flags = protocol.SFTP_FLAG_WRITE | protocol.SFTP_FLAG_CREATE | protocol.SFTP_FLAG_EXCL
        answer = self._ask(protocol.CMD_OPEN, path, flags, paramiko.SFTPAttributes())
        handle: bytes = answer.get_string()
        try:
            yield handle
        except (Refused, TillbridgeError, OSError):
            self._let_go(handle)
            raise
        if create:
            self._ask(protocol.CMD_CLOSE, handle)
        else:
            self._let_go(handle)

    def look_at(self, handle: bytes, path: str) -> tuple[Attributes, Attributes]:
        """Give the attributes of an open file, and of what stands at its path now, in one round trip."""
        of_handle, of_path = self._ask_all(
            [(protocol.CMD_FSTAT, handle), (protocol.CMD_LSTAT, path)]
        )
        return _attributes(of_handle), _attributes(of_path)

    def write(self, handle: bytes, chunks: Iterable[bytes]) -> None:
        """Write `chunks` (of at most `CHUNK` bytes) from the start; the first refusal is raised."""

        def requests() -> Iterator[tuple[Any, ...]]:
            offset = 0
            for chunk in chunks:
                yield protocol.CMD_WRITE, handle, protocol.int64(offset), chunk
                offset += len(chunk)

        deque(self._ask_all(requests()), maxlen=0)

    def read(self, handle: bytes, size: int) -> Iterator[bytes]:
        """Read the first `size` bytes in chunks; a file that is shorter raises `Refused`."""
        offsets = range(0, size, CHUNK)
        requests = (_read_request(handle, at, min(CHUNK, size - at)) for at in offsets)
        for offset, answer in zip(offsets, self._ask_all(requests), strict=True):
            end = min(offset + CHUNK, size)
            data: bytes = answer.get_string()
            while offset + len(data) < end:  # a server may give less than was asked for
                at = offset + len(data)
                more = self._ask(*_read_request(handle, at, end - at)).get_string()
                if not more:
                    raise Broken("the server answers a read with nothing")
                data += more
            if offset + len(data) > end:
                raise Broken("the server gave more bytes than it was asked for")
            yield data

    def sync(self, handle: bytes) -> None:
        """Force an open file to the server's disk, where the server offers it."""
        if "fsync@openssh.com" in self.extensions:
            self._ask(protocol.CMD_EXTENDED, "fsync@openssh.com", handle)

    # --- requests and answers

    def _ask(self, request: int, *arguments: Any) -> Message:
        _, message = self._request(request, *arguments)
        return message

    def _ask_all(self, requests: Iterable[tuple[Any, ...]]) -> Iterator[Message]:
        """Keep some requests on the way and give every answer, in the order of the requests."""
        answers = _Answers()
        waiting: deque[int] = deque()
        for request in requests:
            waiting.append(self._async_request(answers, *request))
            if len(waiting) == _REQUESTS_ON_THE_WAY:
                yield self._answer(answers, waiting.popleft())
        while waiting:
            yield self._answer(answers, waiting.popleft())

    def _let_go(self, handle: bytes) -> None:
        """Close a handle whose CLOSE says nothing about our data, without waiting for the answer."""
        self._async_request(type(None), protocol.CMD_CLOSE, handle)

    def _answer(self, answers: _Answers, number: int) -> Message:
        while number not in answers:
            self._read_response()
        kind, message = answers.pop(number)
        if kind == protocol.CMD_STATUS:
            self._convert_status(message)
        return message

    # paramiko calls the four below; overriding them is how its errors become ours.

    def _send_version(self) -> int:
        hello = Message()
        hello.add_int(3)
        self._send_packet(protocol.CMD_INIT, hello)
        kind, data = self._read_packet()
        if kind != protocol.CMD_VERSION:
            raise Broken("it does not speak SFTP")
        answer = Message(data)
        version = int(answer.get_int())
        names = []
        while answer.get_remainder():
            names.append(answer.get_string().decode("utf-8", "replace"))
            answer.get_string()  # the extension's version
        self.extensions = frozenset(names)
        return version

    def _convert_status(self, message: Message) -> None:
        code = message.get_int()
        if code != protocol.SFTP_OK:
            raise Refused(code, message.get_string().decode("utf-8", "replace")[:200])

    def _send_packet(self, kind: int, packet: Message) -> None:
        with _breaking():
            super()._send_packet(kind, packet)

    def _read_packet(self) -> tuple[int, bytes]:
        with _breaking():
            kind, data = super()._read_packet()
            return kind, data


@contextmanager
def _breaking() -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise Broken("the server did not answer in time") from error
    except (EOFError, OSError, paramiko.SSHException, paramiko.SFTPError) as error:
        raise Broken(
            f"the connection was lost ({type(error).__name__} {error})".rstrip()
        ) from error


def _read_request(handle: bytes, offset: int, length: int) -> tuple[Any, ...]:
    return protocol.CMD_READ, handle, protocol.int64(offset), length


def _attributes(answer: Message) -> Attributes:
    raw = paramiko.SFTPAttributes._from_msg(answer)
    return Attributes(
        size=raw.st_size or 0,
        modified_at=datetime.fromtimestamp(raw.st_mtime or 0, UTC),
        kind=_kind(raw.st_mode),
    )


def _kind(mode: int | None) -> Kind:
    if mode is None:
        return "unknown"
    kinds: dict[int, Kind] = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}
    return kinds.get(stat.S_IFMT(mode), "device")
