"""One SFTP session, with every answer of the server looked at. It knows no rule of ours.

paramiko's file objects drop the errors of pipelined writes and of CLOSE, and do not notice a short
read, so this module speaks to the server with paramiko's requests but not through its files.
"""

from __future__ import annotations

import math
import stat
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import paramiko
from paramiko import sftp as protocol
from paramiko.message import Message

from tillbridge import harmless
from tillbridge.counting import counted
from tillbridge.errors import TillbridgeError

CHUNK = 32_768
"""Bytes in one READ or WRITE; every server takes that much."""

_REQUESTS_ON_THE_WAY = 16

# A server that lies has to come to an end, too.
_MOST_ENTRIES = 1_000_000
_MOST_NAME_BYTES = 256 * 1024 * 1024
_LISTING_PATIENCE = 10
"""How many times longer than one answer a whole listing may take."""
_SLOWEST = 16 * 1024
"""Bytes a second of a file that is read."""
_LONGEST_TEXT = 200
_MOST_EXTENSIONS = 100


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

    patience: float = 30
    """Seconds to wait for one answer, whatever else the server says meanwhile."""

    file_mode: int = 0o640
    folder_mode: int = 0o750
    """Who may read what we make there, less what the server's umask takes away."""

    _until = math.inf

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
        """List a folder, without `.` and `..`. Names are the server's bytes, in its order.

        A listing that does not end, or is longer than any folder, raises `Broken`.
        """
        handle = self._ask(protocol.CMD_OPENDIR, folder).get_string()
        ends_at = time.monotonic() + _LISTING_PATIENCE * self.patience
        entries = name_bytes = 0
        while True:
            try:
                answer = self._ask(protocol.CMD_READDIR, handle)
            except Refused as refused:
                self._let_go(handle)
                if refused.is_end_of_file:
                    return
                raise
            length = len(answer.asbytes())
            for _ in range(answer.get_int()):
                if answer.packet.tell() >= length:
                    raise Broken("the server's listing holds fewer entries than it says")
                name = answer.get_string()
                entries, name_bytes = entries + 1, name_bytes + len(name)
                answer.get_string()  # the same as text for people
                attributes = _attributes(answer)
                if name not in {b".", b".."}:
                    yield name, attributes
            if (
                entries > _MOST_ENTRIES
                or name_bytes > _MOST_NAME_BYTES
                or time.monotonic() > ends_at
            ):
                raise Broken(
                    f"the server's listing does not end; it has {counted(entries, 'entry', 'entries')} so far"
                )

    def make_folder(self, path: str) -> None:
        """Create one folder; its parent has to be there."""
        self._ask(protocol.CMD_MKDIR, path, _with_mode(self.folder_mode))

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
        flags, attributes = protocol.SFTP_FLAG_READ, paramiko.SFTPAttributes()
        if create:
            attributes = _with_mode(self.file_mode)
            flags = protocol.SFTP_FLAG_WRITE | protocol.SFTP_FLAG_CREATE | protocol.SFTP_FLAG_EXCL
        answer = self._ask(protocol.CMD_OPEN, path, flags, attributes)
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
        began_at = time.monotonic()
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
            if time.monotonic() - began_at > self.patience + end / _SLOWEST:
                raise Broken(f"the server gives fewer than {_SLOWEST:,} bytes a second")
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
        self._until = time.monotonic() + self.patience
        while number not in answers:
            self._read_response()
        kind, message = answers.pop(number)
        if kind == protocol.CMD_STATUS:
            self._convert_status(message)
        return message

    # paramiko calls the six below; overriding them is how its errors become ours, and its waits end.

    def _request(self, kind: int, *arguments: Any) -> tuple[int, Message]:
        number = self._async_request(type(None), kind, *arguments)
        self._until = time.monotonic() + self.patience
        answer: tuple[int, Message] = self._read_response(number)
        return answer

    def _read_all(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            if time.monotonic() > self._until:
                raise Broken("the server did not answer in time")
            piece = self.sock.recv(size - len(data))
            if not piece:
                raise EOFError
            data += piece
        return bytes(data)

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
            text = message.get_string().decode("utf-8", "replace")
            raise Refused(code, harmless.line(text, _LONGEST_TEXT))

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
    flags = answer.get_int()
    size = answer.get_int64() if flags & paramiko.SFTPAttributes.FLAG_SIZE else 0
    if flags & paramiko.SFTPAttributes.FLAG_UIDGID:
        answer.get_bytes(8)
    mode = answer.get_int() if flags & paramiko.SFTPAttributes.FLAG_PERMISSIONS else None
    moment = 0
    if flags & paramiko.SFTPAttributes.FLAG_AMTIME:
        _, moment = answer.get_int(), answer.get_int()
    if flags & paramiko.SFTPAttributes.FLAG_EXTENDED:
        for _ in range(min(answer.get_int(), _MOST_EXTENSIONS)):
            answer.get_string(), answer.get_string()
    return Attributes(size, datetime.fromtimestamp(moment, UTC), _kind(mode))


def _with_mode(mode: int) -> paramiko.SFTPAttributes:
    attributes = paramiko.SFTPAttributes()
    attributes.st_mode = mode
    return attributes


def _kind(mode: int | None) -> Kind:
    if mode is None:
        return "unknown"
    kinds: dict[int, Kind] = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}
    return kinds.get(stat.S_IFMT(mode), "device")
