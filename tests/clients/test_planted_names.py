"""What a party that may write into a drop folder can plant there, and what it costs, on a real OpenSSH."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Engine

from sandbox.openssh import Sshd
from tests.strategies import profile
from tillbridge.clients.exchange import Folder
from tillbridge.clients.sftp import SftpClient
from tillbridge.clients.sftp_channel import SftpChannel
from tillbridge.errors import ConfigurationProblem, FileChanged, FileRejected, Finding
from tillbridge.handover.inbox import FileResult, Inbox, Work, stuck
from tillbridge.handover.taken_file import TakenFile

DROP = "hotwax/completed-orders"
OTHER = "retail-pro/order-to-invoice"


@pytest.fixture
def drop(sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The partner's folder on the server's disk, with our own folders in it."""
    monkeypatch.setattr("tillbridge.clients.exchange.sleep", lambda seconds: None)
    for place in ("processing", "archive", "quarantine"):
        (sshd.root / DROP / place).mkdir(parents=True)
        (sshd.root / OTHER / place).mkdir(parents=True)
    (sshd.root / OTHER / "OrderToInvoice-1.json").write_bytes(b"[]")
    return sshd.root / DROP


class Run:
    """What a run came to: what became of each file, and what it tells of the folder."""

    def __init__(self, files: Sequence[FileResult], notices: str) -> None:
        self.results = {file.name: file.result for file in files}
        self.stuck = stuck(files)
        self.notices = notices


def run(engine: Engine, client: SftpClient, work: Callable[[TakenFile], Work]) -> Run:
    """Take what waits, as a flow does."""
    inbox = Inbox(engine, client, profile(), DROP, "run-1")
    return Run([inbox.do(file, work) for file in inbox.waiting()], inbox.notices)


def use(file: TakenFile) -> Work:
    """Read a file as every kind of work does."""
    if b"bad" in file.path.read_bytes():
        raise FileRejected(file.name, (Finding("", None, "something better"),))
    return Work({"orders": 1})


def plant_nothing_else(place: Path, kind: str) -> None:
    place.parent.mkdir(exist_ok=True)
    if kind == "folder":
        place.mkdir()
    elif kind == "fifo":
        os.mkfifo(place)
    elif kind == "link":
        place.symlink_to("/etc/passwd")
    else:
        place.symlink_to("nowhere")


KINDS = ("folder", "fifo", "link", "dangling link")


@pytest.mark.parametrize("place", ["processing", "archive", "quarantine"])
@pytest.mark.parametrize("kind", ["link to another flow's folder", "dangling link", "fifo"])
def test_what_stands_in_the_place_of_our_own_folder_is_set_aside_and_told(
    engine: Engine, sftp: SftpClient, sshd: Sshd, drop: Path, place: str, kind: str
) -> None:
    """No file of another flow is seen or moved, and the files of the folder are done all the same."""
    (drop / place).rename(drop / "old")
    if kind == "link to another flow's folder":
        (drop / place).symlink_to(f"../../{OTHER}")
    else:
        plant_nothing_else(drop / place, kind)
    (drop / "a.json").write_bytes(b"good")
    (drop / "b.json").write_bytes(b"bad")
    found = run(engine, sftp, use)
    assert found.results == {"a.json": "done", "b.json": "quarantined"}
    assert f"{DROP}/{place}" in found.notices
    assert (drop / "archive/a.json").is_file()
    assert not (drop / place).is_symlink()
    assert not list((sshd.root / OTHER / "archive").iterdir())
    assert (sshd.root / OTHER / "OrderToInvoice-1.json").read_bytes() == b"[]"
    assert "set aside" not in run(engine, sftp, use).notices


@pytest.mark.parametrize("part", ["hotwax", DROP])
def test_a_link_on_the_way_to_our_folder_stops_the_run_with_its_name(
    engine: Engine, sftp: SftpClient, sshd: Sshd, drop: Path, part: str
) -> None:
    """Who can replace the folder itself owns it: nothing is read, and the sentence says which one it is."""
    (sshd.root / part).rename(sshd.root / "moved")
    (sshd.root / part).symlink_to(sshd.root / "moved")
    with pytest.raises(ConfigurationProblem, match=f"{part} .* is a link, not a folder"):
        run(engine, sftp, use)


def test_nothing_is_written_through_a_link(sftp: SftpClient, sshd: Sshd, tmp_path: Path) -> None:
    """A file is not published, moved or claimed into a folder that is a link."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (sshd.root / "in").mkdir()
    (sshd.root / "in/a.json").write_bytes(b"a")
    (sshd.root / "in/refused").symlink_to(outside)
    for step in (
        lambda: sftp.put("in/refused/a.json", b"customer"),
        lambda: sftp.move("in/a.json", "in/refused/a.json"),
        lambda: sftp.claim("in/a.json", "in/refused/a.json"),
        lambda: sftp.list("in/refused"),
        lambda: sftp.read("in/refused/a.json", 100),
        lambda: sftp.make_folders(["in/refused/deeper"]),
    ):
        with pytest.raises(ConfigurationProblem, match=r"in/refused .* is a link, not a folder"):
            step()
    assert not list(outside.iterdir())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("content", ["good", "bad"])
def test_planted_names_in_archive_and_quarantine_stop_nobody(
    engine: Engine, sftp: SftpClient, drop: Path, kind: str, content: str
) -> None:
    """Whatever stands at the places a file goes to, it finds another one, and the files behind it are done."""
    for name in ("a.json", "b.json"):
        (drop / name).write_text(f"{content} {name}")
    mark = "0" * 8
    for place in ("archive", "quarantine"):
        for name in ("a.json", "a.json.report.json", f"a-{mark}.json"):
            plant_nothing_else(drop / place / name, kind)
    found = run(engine, sftp, use)
    expected = "done" if content == "good" else "quarantined"
    assert found.results == {"a.json": expected, "b.json": expected}
    assert not found.stuck
    assert not list(drop.glob("*.json"))
    kept = [p for p in drop.glob("*/a*.json") if not p.is_symlink() and p.is_file()]
    assert f"{content} a.json" in [p.read_text() for p in kept]
    assert run(engine, sftp, use).results == {}


def test_every_name_that_could_be_foretold_is_taken(
    engine: Engine, sftp: SftpClient, drop: Path
) -> None:
    """Also the name with the content's mark may be taken; then the file gets one nobody can foretell."""
    for number, content in enumerate((b"good 1", b"good 2")):
        digest = hashlib.sha256(content).hexdigest()[:8]
        (drop / f"{number}.json").write_bytes(content)
        (drop / f"archive/{number}.json").write_bytes(b"other")
        (drop / f"archive/{number}-{digest}.json").write_bytes(b"another")
    assert run(engine, sftp, use).results == {"0.json": "done", "1.json": "done"}
    assert (drop / "archive/0.json").read_bytes() == b"other"
    assert sum(p.read_bytes() == b"good 1" for p in (drop / "archive").iterdir()) == 1


def test_an_old_part_folder_is_told_and_stops_nobody(
    engine: Engine, sftp: SftpClient, drop: Path
) -> None:
    """Only files are cleared up: a folder of such a name stays, is named, and the run goes on."""
    planted = drop / ".a.0123456789ab.part"
    planted.mkdir()
    (planted / "inside").write_bytes(b"x")
    (drop / ".b.0123456789ab.part").symlink_to("/etc/passwd")
    for path in (planted, drop / ".b.0123456789ab.part"):
        os.utime(path, (1, 1), follow_symlinks=False)
    (drop / "a.json").write_bytes(b"good")
    found = run(engine, sftp, use)
    assert found.results == {"a.json": "done"}
    assert ".a.0123456789ab.part" in found.notices
    assert (planted / "inside").is_file()
    assert Path("/etc/passwd").is_file()


def test_what_is_passed_over_is_counted_and_named_once(
    engine: Engine, sftp: SftpClient, drop: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Links, folders, FIFOs, capital endings and odd names are told in one sentence, the first ten by name."""
    (drop / "link.json").symlink_to("/etc/passwd")
    (drop / "folder.json").mkdir()
    os.mkfifo(drop / "fifo.json")
    (drop / "LOUD.JSON").write_bytes(b"[]")
    (drop / ("n" * 200 + ".json")).write_bytes(b"[]")
    for number in range(300):
        (drop / f"new\nline{number}.json").write_bytes(b"[]")
    (drop / "readme.txt").write_bytes(b"not ours")
    found = run(engine, sftp, use)
    assert found.results == {}
    assert "305 entries" in found.notices
    assert found.notices.count("line") <= 10
    assert "\n" not in found.notices
    assert len(found.notices) < 2500
    assert not caplog.records
    shutil.rmtree(drop / "folder.json")
    for path in drop.glob("*"):
        if not path.is_dir():
            path.unlink()
    assert run(engine, sftp, use).notices == ""


def test_a_file_swapped_for_a_link_while_it_is_opened_is_not_read(
    sftp: SftpClient, sshd: Sshd, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A link to a file of the same size and second is not taken for the file that was looked at."""
    secret, planted = tmp_path / "secret", sshd.root / "in" / "a.json"
    planted.parent.mkdir()
    now = int(time.time())
    for path, content in ((secret, b"SECRET"), (planted, b"public")):
        path.write_bytes(content)
        os.utime(path, (now, now))
    real = SftpChannel.opened

    def swap_then_open(self: SftpChannel, path: str, **how: bool) -> object:
        planted.unlink()
        planted.symlink_to(secret)
        return real(self, path, **how)

    monkeypatch.setattr(SftpChannel, "opened", swap_then_open)
    with pytest.raises(FileChanged):
        sftp.read("in/a.json", 100)


def test_a_folder_tells_what_it_passes_over(sftp: SftpClient, drop: Path) -> None:
    """The folder tells the same to those that use it without an inbox."""
    (drop / "link.json").symlink_to("/etc/passwd")
    folder = Folder(sftp, DROP, quiet_seconds=0)
    assert folder.waiting() == []
    assert "a link link.json" in folder.notices
