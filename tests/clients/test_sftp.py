"""Files on an SFTP server: against OpenSSH, and the same against the sandbox's server."""

from __future__ import annotations

import hashlib
import os
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sandbox.openssh import SFTP_SERVER, Sshd
from sandbox.sftp_between import FaultPlan
from tillbridge.clients.exchange import Folder
from tillbridge.clients.sftp import SftpClient
from tillbridge.clients.sftp_channel import SftpChannel
from tillbridge.errors import (
    ConfigurationProblem,
    FileChanged,
    FileConflict,
    FileRejected,
    TillbridgeError,
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder on the server's disk that the login lands in."""
    return tmp_path / "exchange"


@pytest.mark.parametrize("size", [0, 1, 3_000, 32_768, 32_769, 20_000_000])
def test_put_then_get_gives_the_same_bytes(any_sftp: SftpClient, tmp_path: Path, size: int) -> None:
    """A file of any size comes back as it was put, with its SHA-256, from memory and from disk."""
    content = os.urandom(size)
    source, copy = tmp_path / "source", tmp_path / "copy"
    source.write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    assert any_sftp.put("out/new/orders.json", content) == sha256
    assert any_sftp.put("out/new/again.json", source) == sha256
    fetched = any_sftp.get("out/new/again.json", copy, max_bytes=size)
    assert copy.read_bytes() == content
    assert (fetched.path, fetched.size, fetched.sha256) == ("out/new/again.json", size, sha256)
    assert [f.name for f in any_sftp.list("out/new")] == ["again.json", "orders.json"]


def test_put_repeated_changes_nothing(any_sftp: SftpClient, root: Path) -> None:
    """The same content under the same name is a success, and the first file stays untouched."""
    any_sftp.put("a.json", b"one")
    before = (root / "a.json").stat()
    any_sftp.put("a.json", b"one")
    after = (root / "a.json").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_put_never_overwrites(any_sftp: SftpClient, root: Path) -> None:
    """Other content under the same name is a conflict; the first file and no temporary one is left."""
    any_sftp.put("a.json", b"one")
    for other in (b"two", b"longer"):
        with pytest.raises(FileConflict, match=r"a\.json already exists"):
            any_sftp.put("a.json", other)
    assert (root / "a.json").read_bytes() == b"one"
    assert [path.name for path in root.iterdir()] == ["a.json"]


def test_parallel_puts_of_one_name_have_one_winner(any_sftp: SftpClient, root: Path) -> None:
    """Of eight writers with other contents one succeeds, the rest conflict, and its file is whole."""

    def put(i: int) -> bytes | None:
        content = bytes([i]) * 50_000
        try:
            any_sftp.put("same.json", content)
        except FileConflict:
            return None
        return content

    with ThreadPoolExecutor(8) as threads:
        won = [content for content in threads.map(put, range(8)) if content is not None]
    assert won == [(root / "same.json").read_bytes()]
    assert [path.name for path in root.iterdir()] == ["same.json"]


def test_eight_claimers_one_winner(any_sftp: SftpClient, root: Path) -> None:
    """Eight workers after the same files: each file goes to exactly one of them."""
    names = [f"{i:03}.json" for i in range(40)]
    (root / "processing").mkdir()
    for name in names:
        (root / name).write_text(name)

    def claim_all(worker: int) -> list[str]:
        return [n for n in names if any_sftp.claim(n, f"processing/{worker}--{n}")]

    with ThreadPoolExecutor(8) as threads:
        won = list(threads.map(claim_all, range(8)))
    assert sorted(name for names_won in won for name in names_won) == names
    claimed = sorted(f"{w}--{n}" for w, names_won in enumerate(won) for n in names_won)
    assert sorted(path.name for path in (root / "processing").iterdir()) == claimed


def test_claim_creates_its_folder_and_loses_politely(any_sftp: SftpClient) -> None:
    """The first claim creates the folder; a claim on a file that is gone is lost, not an error."""
    any_sftp.put("a.json", b"one")
    assert any_sftp.claim("a.json", "processing/run-1--a.json") is True
    assert any_sftp.claim("a.json", "processing/run-2--a.json") is False


def test_move_refuses_to_overwrite(any_sftp: SftpClient, root: Path) -> None:
    """A move onto other content leaves both; onto the same content it clears the source; done is done."""
    any_sftp.put("in/a.json", b"one")
    any_sftp.move("in/a.json", "archive/a.json")
    any_sftp.move("in/a.json", "archive/a.json")
    any_sftp.put("in/a.json", b"two")
    with pytest.raises(FileConflict):
        any_sftp.move("in/a.json", "archive/a.json")
    assert (root / "in/a.json").read_bytes() == b"two"
    any_sftp.put("in/b.json", b"one")
    any_sftp.move("in/b.json", "archive/a.json")
    assert not any_sftp.exists("in/b.json")
    assert (root / "archive/a.json").read_bytes() == b"one"
    with pytest.raises(FileChanged, match="is gone"):
        any_sftp.move("in/never.json", "archive/never.json")


def test_get_refuses_what_is_too_large(any_sftp: SftpClient, tmp_path: Path) -> None:
    """A file over the limit is rejected before a byte of it is fetched, and names both sizes."""
    any_sftp.put("big.json", b"x" * 2_000)
    with pytest.raises(FileRejected, match="at most 1,999 bytes; it has 2,000"):
        any_sftp.get("big.json", tmp_path / "copy", max_bytes=1_999)
    assert not (tmp_path / "copy").exists()


def test_missing_file_is_a_change_not_a_crash(any_sftp: SftpClient, tmp_path: Path) -> None:
    """A file that somebody moved away raises what tells the flow to leave it."""
    for fetch in (
        lambda: any_sftp.get("gone.json", tmp_path / "copy", 10),
        lambda: any_sftp.read("gone.json", 10),
        lambda: any_sftp.sha256("gone.json"),
    ):
        with pytest.raises(FileChanged):
            fetch()
    any_sftp.remove("gone.json")
    assert not any_sftp.exists("gone.json")


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.write_bytes(b"x" * 50_000),
        lambda path: path.write_bytes(b"x" * 200_000),
        lambda path: os.utime(path, (1, 1)),
    ],
    ids=["shrinks", "grows", "is touched"],
)
def test_file_that_moves_under_the_reader(
    any_sftp: SftpClient,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Path], object],
) -> None:
    """A file that changes while it is read is never handed over."""
    (root / "a.json").write_bytes(b"x" * 100_000)
    real_read = SftpChannel.read

    def change_then_read(channel: SftpChannel, handle: bytes, size: int) -> Iterator[bytes]:
        change(root / "a.json")
        yield from real_read(channel, handle, size)

    monkeypatch.setattr(SftpChannel, "read", change_then_read)
    with pytest.raises(FileChanged, match=r"a\.json"):
        any_sftp.read("a.json", 1_000_000)


def test_list_shows_finished_regular_files_only(any_sftp: SftpClient, root: Path) -> None:
    """Links, devices, folders, hidden, temporary and hostile names are not offered to a flow."""
    (root / "in").mkdir()
    for name in ("b.json", "a.json", "ä 1.json"):
        (root / "in" / name).write_text(name)
    for name in (
        ".hidden.json",
        "c.json.part",
        "readme.txt",
        "new\nline.json",
        "x" * 240 + ".json",
    ):
        (root / "in" / name).write_text(name)
    Path(os.fsdecode(bytes(root / "in") + b"/\xff.json")).write_text("not UTF-8")
    (root / "in" / "folder.json").mkdir()
    (root / "in" / "link.json").symlink_to("/etc/passwd")
    os.mkfifo(root / "in" / "pipe.json")
    assert [file.name for file in any_sftp.list("in")] == ["a.json", "b.json", "ä 1.json"]
    assert [file.path for file in any_sftp.list("in", suffix=".txt")] == ["in/readme.txt"]
    passed_over = any_sftp.look_through("in").passed_over
    assert passed_over.count == 6
    assert "\n" not in "".join(passed_over.first)


def test_missing_folder_is_created_and_empty(any_sftp: SftpClient, root: Path) -> None:
    """The first look at a new exchange folder creates it."""
    assert any_sftp.list("hotwax/completed-orders") == []
    assert (root / "hotwax/completed-orders").is_dir()
    any_sftp.make_folders(["hotwax", "x/y/z"])
    assert (root / "x/y/z").is_dir()


def test_get_follows_no_link(any_sftp: SftpClient, root: Path, tmp_path: Path) -> None:
    """A link that somebody planted is refused, wherever it points."""
    (root / "link.json").symlink_to("/etc/passwd")
    with pytest.raises(FileRejected, match="a regular file"):
        any_sftp.get("link.json", tmp_path / "copy", 100_000)


def test_path_outside_the_root_never_reaches_the_server(any_sftp: SftpClient) -> None:
    """Hostile paths are refused by every method."""
    for path in ("../x.json", "/etc/passwd", "a\nb.json"):
        for call in (
            lambda p: any_sftp.put(p, b""),
            lambda p: any_sftp.read(p, 1),
            any_sftp.list,
            lambda p: any_sftp.move("a", p),
            lambda p: any_sftp.claim("a", p),
            any_sftp.remove,
        ):
            with pytest.raises(ConfigurationProblem, match="below the root folder"):
                call(path)


def test_probe_names_every_guarantee(any_sftp: SftpClient, root: Path) -> None:
    """Setup can print what the server guarantees; nothing is left behind."""
    connected, *findings = any_sftp.probe()
    assert "SHA256:" in connected
    assert findings[:3] == [
        "Files are forced to disk before they count as written.",
        "A rename refuses to overwrite another file.",
        "A file is claimed in one step, so one worker gets it.",
    ]
    assert "are free" in findings[3]
    assert list(root.iterdir()) == []


def test_reader_beside_writers_sees_whole_files_only(any_sftp: SftpClient) -> None:
    """While forty files are published, every file a reader finds is whole."""

    def publish(i: int) -> None:
        content = os.urandom(40_000 + i)
        any_sftp.put(f"out/{hashlib.sha256(content).hexdigest()}.json", content)

    def read_along() -> int:
        seen: set[str] = set()
        while len(seen) < 40:
            for file in any_sftp.list("out"):
                content = any_sftp.read(file.path, 100_000)
                assert hashlib.sha256(content).hexdigest() + ".json" == file.name
                seen.add(file.name)
        return len(seen)

    with ThreadPoolExecutor(5) as threads:
        reading = threads.submit(read_along)
        list(threads.map(publish, range(40)))
        assert reading.result(60) == 40


def test_large_file_is_streamed(sftp: SftpClient, sshd: Sshd, tmp_path: Path) -> None:
    """A 40 MB file goes through a few megabytes of memory, up and down."""
    source = tmp_path / "source"
    with source.open("wb") as file:
        file.truncate(40_000_000)
    tracemalloc.start()
    try:
        sftp.put("big.json", source)
        sftp.get("big.json", tmp_path / "copy", 40_000_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (tmp_path / "copy").stat().st_size == 40_000_000
    assert peak < 8_000_000


def test_absolute_root(sshd: Sshd) -> None:
    """The root folder of the settings is where paths start, and its name stays out of what flows see."""
    (sshd.root / "deep").mkdir()
    with SftpClient(sshd.settings(root=str(sshd.root / "deep"))) as client:
        client.put("in/a.json", b"one")
        assert [file.path for file in client.list("in")] == ["in/a.json"]
    assert sshd.files() == ["deep/in/a.json"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may do anything")
def test_permission_denied_names_the_path(sftp: SftpClient, sshd: Sshd) -> None:
    """A folder the account may not write is a setting to mend."""
    (sshd.root / "locked").mkdir(mode=0o500)
    with pytest.raises(ConfigurationProblem, match=r"write locked/a\.json"):
        sftp.put("locked/a.json", b"one")


def test_read_only_server_is_a_setting_to_mend(stopped_sshd: Sshd) -> None:
    """An account that may only read gets told which right is missing, for which path."""
    stopped_sshd.start(subsystem=f"internal-sftp -R -d {stopped_sshd.root}")
    with (
        SftpClient(stopped_sshd.settings()) as client,
        pytest.raises(ConfigurationProblem, match=r"does not allow \S+ to write out\.json"),
    ):
        client.put("out.json", b"one")


def test_server_without_extensions_is_refused(stopped_sshd: Sshd) -> None:
    """Where fsync and posix-rename are missing no flow starts, and set-up says what is missing."""
    stopped_sshd.start(subsystem=f"internal-sftp -P posix-rename,fsync -d {stopped_sshd.root}")
    with SftpClient(stopped_sshd.settings()) as client:
        folder = Folder(client, "orders")
        for call in (client.probe, folder.waiting, lambda: folder.publish("a.json", b"{}")):
            with pytest.raises(ConfigurationProblem, match=r"fsync.*posix-rename") as caught:
                call()
            assert "set accept_weaker_storage in the SFTP Server block" in str(caught.value)
    assert stopped_sshd.files() == []


@pytest.mark.skipif(SFTP_SERVER is None, reason="needs sftp-server as its own program")
def test_server_whose_rename_overwrites_is_refused(stopped_sshd: Sshd, tmp_path: Path) -> None:
    """It is found out by trying, because no server says so; where that is accepted, work goes on."""
    plan = FaultPlan(tmp_path / "plan", SFTP_SERVER or "")
    stopped_sshd.start(subsystem=plan.subsystem(stopped_sshd.root))
    plan.set("overwrite", "RENAME", number=0, sessions=2)
    with (
        SftpClient(stopped_sshd.settings()) as client,
        pytest.raises(ConfigurationProblem, match="a rename overwrites another file"),
    ):
        Folder(client, "orders").waiting()
    with SftpClient(stopped_sshd.settings(accept_weaker_storage=True)) as client:
        client.put("orders/a.json", b"{}")
    assert stopped_sshd.files() == ["orders/a.json"]


@pytest.mark.skipif(SFTP_SERVER is None, reason="needs sftp-server as its own program")
def test_storage_is_tried_out_once(stopped_sshd: Sshd, tmp_path: Path) -> None:
    """A run pays for the trial at its first step on the folder alone."""
    plan = FaultPlan(tmp_path / "plan", SFTP_SERVER or "")
    stopped_sshd.start(subsystem=plan.subsystem(stopped_sshd.root))
    plan.clear()
    with SftpClient(stopped_sshd.settings()) as client:
        folder = Folder(client, "orders")
        folder.waiting()
        folder.publish("a.json", b"{}")
        folder.waiting()
    assert sum(request == "RENAME" for request in plan.requests()) == 2


def test_server_without_extensions_still_never_overwrites(stopped_sshd: Sshd) -> None:
    """Where that is accepted, probe says so, and put and claim still keep their word."""
    denied = "posix-rename,fsync,statvfs"
    stopped_sshd.start(subsystem=f"internal-sftp -P {denied} -d {stopped_sshd.root}")
    with SftpClient(stopped_sshd.settings(accept_weaker_storage=True)) as client:
        assert sum(line.startswith("Weaker:") for line in client.probe()) == 2
        client.put("a.json", b"one")
        with pytest.raises(FileConflict):
            client.put("a.json", b"two")
        assert client.claim("a.json", "processing/1--a.json") is True
        assert client.claim("a.json", "processing/2--a.json") is False


def test_local_disk_problem_is_not_blamed_on_the_server(sftp: SftpClient, tmp_path: Path) -> None:
    """A folder that is missing on this machine is named as such."""
    sftp.put("a.json", b"one")
    with pytest.raises(TillbridgeError, match=r"on this machine: .*No such file"):
        sftp.get("a.json", tmp_path / "missing" / "copy", 10)
