"""What is left on an SFTP server, and what is said, when it or the network fails half-way."""

from __future__ import annotations

import hashlib
import random
import shutil
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncssh
import pytest

from sandbox import sftp as sandbox_sftp
from tests.fixtures_sftp import CuttingProxy, Sshd
from tillbridge.clients.sftp import SftpClient, SftpSettings
from tillbridge.errors import TillbridgeError, Unavailable

SFTP_SERVER = shutil.which("sftp-server", path="/usr/lib/openssh:/usr/libexec/openssh:/usr/lib/ssh")
CONTENT = random.Random(5).randbytes(300_000)  # noqa: S311 - not a secret


def through(proxy: CuttingProxy, sshd: Sshd) -> SftpClient:
    return SftpClient(sshd.settings(port=proxy.port, connect_timeout=5, operation_timeout=5))


def login_bytes(proxy: CuttingProxy, sshd: Sshd, way: str) -> int:
    """Say how many bytes go that way until a login and a first answer are done."""
    with through(proxy, sshd) as client:
        client.exists(".")
    return proxy.passed[way]


def cut_positions(count: int) -> list[int]:
    """Bytes after which to cut: all over a login and a put of `CONTENT`, the end more densely."""
    pick = random.Random(count)  # noqa: S311
    return [pick.randrange(310_000) for _ in range(count // 2)] + [
        pick.randrange(300_000, 312_000) for _ in range(count - count // 2)
    ]


@pytest.mark.parametrize("at", cut_positions(16))
def test_put_survives_one_cut(proxy: CuttingProxy, sshd: Sshd, at: int) -> None:
    """Wherever the connection is cut once, put ends with the one right file and nothing else."""
    login = login_bytes(proxy, sshd, "up")
    proxy.cut(up=at)
    with through(proxy, sshd) as client:
        try:
            client.put("out/a.json", CONTENT)
        except Unavailable:
            assert at < login  # nothing was begun, so nothing is repeated
            client.put("out/a.json", CONTENT)
    assert sshd.files() == ["out/a.json"]
    assert (sshd.root / "out/a.json").read_bytes() == CONTENT


@pytest.mark.parametrize("at", cut_positions(6))
def test_put_cut_again_and_again_shows_no_part_of_a_file(
    proxy: CuttingProxy, sshd: Sshd, at: int
) -> None:
    """A put that cannot get through raises, and readers see the whole file or none; then it repeats."""
    proxy.cut(up=at, times=2)
    with through(proxy, sshd) as client:
        try:
            client.put("out/a.json", CONTENT)
        except Unavailable as error:
            assert f"127.0.0.1:{proxy.port}" in str(error)  # noqa: PT017 - both ends are right
        visible = [name for name in sshd.files() if not Path(name).name.startswith(".")]
        assert visible in ([], ["out/a.json"])
        client.put("out/a.json", CONTENT)
        assert client.read("out/a.json", 300_000) == CONTENT


@pytest.mark.parametrize("at", [*range(2_000, 300_000, 20_000)])
def test_get_survives_one_cut(proxy: CuttingProxy, sshd: Sshd, tmp_path: Path, at: int) -> None:
    """Wherever the connection is cut once, get ends with the whole file or with nothing."""
    (sshd.root / "a.json").write_bytes(CONTENT)
    login = login_bytes(proxy, sshd, "down")
    proxy.cut(down=at)
    copy = tmp_path / "copy"
    with through(proxy, sshd) as client:
        try:
            fetched = client.get("a.json", copy, 300_000)
        except Unavailable:
            assert at < login
            assert not copy.exists()
            fetched = client.get("a.json", copy, 300_000)
    assert copy.read_bytes() == CONTENT
    assert fetched.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["copy"]


def test_claim_and_move_survive_a_cut(proxy: CuttingProxy, sshd: Sshd) -> None:
    """A claim or move whose answer was lost is recognised on the next connection."""
    login = login_bytes(proxy, sshd, "down")
    for at in range(login, login + 1_500, 100):
        name = f"{at}.json"
        (sshd.root / name).write_text(name)
        proxy.cut(down=at)
        with through(proxy, sshd) as client:
            client.list("in")
            assert client.claim(name, f"processing/run--{name}") is True
            client.move(f"processing/run--{name}", f"archive/{name}")
        assert (sshd.root / "archive" / name).read_text() == name
        assert not (sshd.root / name).exists()


def test_frozen_connection_ends_in_time(proxy: CuttingProxy, sshd: Sshd) -> None:
    """A far end that keeps the line and says nothing ends in an outage, not in a run that hangs."""
    settings = sshd.settings(port=proxy.port, connect_timeout=1, operation_timeout=1)
    with SftpClient(settings) as client:
        client.list("in")
        proxy.freeze()
        with pytest.raises(Unavailable, match=f"127.0.0.1:{proxy.port}"):
            client.list("in")


@pytest.mark.parametrize("channels", [1, 4])
def test_frozen_connection_under_load_ends_in_time(
    proxy: CuttingProxy, sshd: Sshd, monkeypatch: pytest.MonkeyPatch, channels: int
) -> None:
    """The same when large uploads have filled every buffer on the way (which are small here)."""
    settings = sshd.settings(
        port=proxy.port, connect_timeout=2, operation_timeout=2, channels_per_connection=channels
    )
    real_connect = socket.create_connection

    def connect(address: tuple[str, int], timeout: float | None = None) -> socket.socket:
        sock = real_connect(address, timeout)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8_192)
        return sock

    def put(i: int) -> str:
        with pytest.raises(Unavailable) as caught:
            client.put(f"out/{i}.json", bytes(5_000_000))
        return str(caught.value)

    monkeypatch.setattr(socket, "create_connection", connect)
    with SftpClient(settings) as client, ThreadPoolExecutor(channels) as threads:
        client.list("out")
        proxy.freeze(after=200_000)
        for text in threads.map(put, range(channels)):
            assert f"127.0.0.1:{proxy.port}" in text


def test_server_restart_between_two_steps(sshd: Sshd) -> None:
    """A client kept open over a restart of the server goes on with a fresh connection."""
    proxy = CuttingProxy(sshd.port)
    with SftpClient(sshd.settings(port=proxy.port)) as client:
        client.put("a.json", b"one")
        proxy.cut_all()
        client.put("b.json", b"two")
    assert proxy.connections == 2
    proxy.close()
    assert sshd.files() == ["a.json", "b.json"]


@pytest.mark.skipif(SFTP_SERVER is None, reason="needs sftp-server as its own program")
def test_full_disk_leaves_nothing(stopped_sshd: Sshd, tmp_path: Path) -> None:
    """When the server can store no more, the error says so in plain words and nothing is left there."""
    wrapper = tmp_path / "full-disk"
    wrapper.write_text(
        f"#!/bin/sh\ntrap '' XFSZ\nulimit -f 200\nexec {SFTP_SERVER} -d {stopped_sshd.root}\n"
    )
    wrapper.chmod(0o755)
    stopped_sshd.start(subsystem=str(wrapper))
    with SftpClient(stopped_sshd.settings()) as client:
        with pytest.raises(
            Unavailable, match=r"often a full disk or quota; it reports [0-9,]+ bytes free"
        ):
            client.put("out/a.json", CONTENT)
        assert stopped_sshd.files() == []
        client.put("out/small.json", b"fits")
    assert stopped_sshd.files() == ["out/small.json"]


class Faulty(sandbox_sftp._Files):
    """A server that does one thing wrong: `wrong`, which each test sets."""

    wrong = ""

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        if self.wrong == "refuses a write" and offset == 98_304:
            raise asyncssh.SFTPFailure("disk error")
        if self.wrong == "stores other bytes" and offset == 98_304:
            data = bytes(len(data))
        return super().write(file_obj, offset, data)  # type: ignore[return-value]

    def fsync(self, file_obj: object) -> None:
        if self.wrong == "refuses fsync":
            raise asyncssh.SFTPFailure("disk error")
        super().fsync(file_obj)

    def close(self, file_obj: object) -> None:
        super().close(file_obj)
        if self.wrong == "refuses close" and getattr(file_obj, "mode", "").startswith("x"):
            raise asyncssh.SFTPFailure("quota exceeded")

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        if self.wrong == "refuses rename":
            raise asyncssh.SFTPFailure("no")
        super().rename(oldpath, newpath)
        if self.wrong == "renames and says no":
            raise asyncssh.SFTPFailure("no")

    def read(self, file_obj: object, offset: int, size: int) -> bytes:
        if self.wrong == "gives short answers":
            size = min(size, 1_000)
        return super().read(file_obj, offset, size)  # type: ignore[return-value]


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    monkeypatch.setattr(sandbox_sftp, "_Files", Faulty)
    return lambda wrong: monkeypatch.setattr(Faulty, "wrong", wrong)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("refuses a write", "refused the write of out/a"),
        ("refuses fsync", "refused the write of out/a"),
        ("refuses close", "refused the write of out/a"),
        ("stores other bytes", "gave back other bytes"),
        ("refuses rename", "refused to write out/a"),
    ],
)
def test_put_reports_what_the_server_did_wrong(
    faulty: Callable[[str], None],
    sandbox_settings: SftpSettings,
    tmp_path: Path,
    wrong: str,
    said: str,
) -> None:
    """A refusal at any step, or bytes stored wrongly, is an outage that leaves no file behind."""
    faulty(wrong)
    with SftpClient(sandbox_settings) as client:
        with pytest.raises(Unavailable, match=said):
            client.put("out/a.json", CONTENT)
        assert [path for path in (tmp_path / "exchange").rglob("*") if path.is_file()] == []
        faulty("")
        client.put("out/a.json", CONTENT)
        assert client.read("out/a.json", 300_000) == CONTENT


@pytest.mark.parametrize("wrong", ["renames and says no", "gives short answers"])
def test_put_and_get_see_through_odd_answers(
    faulty: Callable[[str], None], sandbox_settings: SftpSettings, tmp_path: Path, wrong: str
) -> None:
    """A rename that worked though the server said no, and short reads, still end well."""
    faulty(wrong)
    with SftpClient(sandbox_settings) as client:
        client.put("out/a.json", CONTENT)
        assert client.read("out/a.json", 300_000) == CONTENT
    files = [path.name for path in (tmp_path / "exchange").rglob("*") if path.is_file()]
    assert files == ["a.json"]


def test_errors_survive_a_process_border(proxy: CuttingProxy, sshd: Sshd) -> None:
    """The errors of the client can be pickled with their text."""
    import pickle  # noqa: PLC0415

    proxy.cut(up=0, times=5)
    with through(proxy, sshd) as client, pytest.raises(TillbridgeError) as caught:
        client.list("in")
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own bytes
    assert (type(again), str(again)) == (type(caught.value), str(caught.value))
