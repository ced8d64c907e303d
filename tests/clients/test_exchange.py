"""Exchange folders: what is waiting, who takes it, and where it ends, against a real OpenSSH."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.openssh import Sshd
from tillbridge.clients.exchange import Folder, original_name
from tillbridge.clients.sftp import SftpClient
from tillbridge.errors import FileChanged, FileConflict


@pytest.fixture
def during_the_pause(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], object]]:
    """Replace the wait between two listings by what the test puts into this list, one per wait."""
    happenings: list[Callable[[], object]] = []

    def pause(seconds: float) -> None:
        if happenings:
            happenings.pop(0)()

    monkeypatch.setattr("tillbridge.clients.exchange.sleep", pause)
    return happenings


@pytest.fixture
def folder(sftp: SftpClient, during_the_pause: list[Callable[[], object]]) -> Folder:
    return Folder(sftp, "hotwax/orders")


@pytest.fixture
def with_manifests(sftp: SftpClient, during_the_pause: list[Callable[[], object]]) -> Folder:
    """The same folder, of a producer that writes manifests."""
    return Folder(sftp, "hotwax/orders", with_manifests=True)


@pytest.fixture
def place(sshd: Sshd) -> Path:
    """The folder on the server's disk."""
    path = sshd.root / "hotwax/orders"
    path.mkdir(parents=True)
    return path


def names(folder: Folder) -> list[str]:
    return [file.name for file in folder.waiting()]


def test_file_goes_its_way(folder: Folder, place: Path) -> None:
    """A published file waits, is taken once, and ends in the archive under its own name."""
    folder.publish("orders-1.json", b"{}")
    (file,) = folder.waiting()
    claimed = folder.take(file, "run-1")
    assert claimed == "hotwax/orders/processing/run-1--orders-1.json"
    assert folder.take(file, "run-2") is None
    assert folder.archive(claimed) == "hotwax/orders/archive/orders-1.json"
    assert folder.waiting() == []
    assert (place / "archive/orders-1.json").read_bytes() == b"{}"


def test_oldest_name_first_and_left_overs_among_them(folder: Folder, place: Path) -> None:
    """Files are listed by their original name, whether a run left them in processing or not."""
    (place / "processing").mkdir()
    (place / "processing/0e1f--orders-2.json").write_bytes(b"2")
    for number in (3, 1):
        (place / f"orders-{number}.json").write_bytes(b"x")
    assert names(folder) == ["orders-1.json", "0e1f--orders-2.json", "orders-3.json"]


def test_file_that_still_grows_is_not_taken(
    folder: Folder, place: Path, during_the_pause: list[Callable[[], object]]
) -> None:
    """A producer that writes in place is left alone until its file stands still."""
    writer = (place / "slow.json").open("ab")
    (place / "done.json").write_bytes(b"{}")

    def write_more() -> None:
        writer.write(b"x" * 1000)
        writer.flush()

    during_the_pause += [write_more] * 5
    for _ in range(5):
        assert names(folder) == ["done.json"]
    writer.close()
    assert names(folder) == ["done.json", "slow.json"]


def test_file_that_is_gone_or_replaced_meanwhile_is_not_taken(
    folder: Folder, place: Path, during_the_pause: list[Callable[[], object]]
) -> None:
    """A file that vanished or got another time between the two looks is left to the next run."""
    for name in ("gone.json", "touched.json", "same.json"):
        (place / name).write_bytes(b"{}")
    during_the_pause.append(
        lambda: ((place / "gone.json").unlink(), os.utime(place / "touched.json", (1, 1)))
    )
    assert names(folder) == ["same.json"]


def test_left_over_of_a_killed_run_is_taken_by_the_next(folder: Folder, place: Path) -> None:
    """What a killed run had claimed is taken over; should that run still live, it is told."""
    folder.publish("orders-1.json", b"{}")
    dead = folder.take(folder.waiting()[0], "dead")
    assert dead is not None
    (left_over,) = folder.waiting()
    assert folder.take(left_over, "dead") == dead  # the same run again keeps its own claim
    heir = folder.take(left_over, "heir")
    assert heir == "hotwax/orders/processing/heir--orders-1.json"
    with pytest.raises(FileChanged, match="is gone"):
        folder.archive(dead)
    folder.archive(heir)
    assert sorted(p.name for p in (place / "archive").iterdir()) == ["orders-1.json"]


def test_many_workers_share_the_files(sftp: SftpClient, folder: Folder, place: Path) -> None:
    """Eight workers that see the same list take each file once, and each file is archived once."""
    for number in range(30):
        (place / f"{number:02}.json").write_text(str(number))
    waiting = folder.waiting()

    def work(worker: int) -> int:
        taken = [folder.take(file, f"run-{worker}") for file in waiting]
        return len([folder.archive(claimed) for claimed in taken if claimed])

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(work, range(8))) == 30
    assert len(list((place / "archive").iterdir())) == 30
    assert folder.waiting() == []


def test_names_repeat(folder: Folder, place: Path) -> None:
    """A producer that uses a name again loses nothing: other content is archived beside the first."""
    for content in (b"one", b"two", b"two", b"one"):
        folder.publish("orders.json", content)
        claimed = folder.take(folder.waiting()[0], "run")
        assert claimed
        folder.archive(claimed)
    archived = {path.name: path.read_bytes() for path in (place / "archive").iterdir()}
    assert archived == {"orders.json": b"one", "orders-3fc4ccfe.json": b"two"}
    assert folder.waiting() == []


def test_quarantine_keeps_the_bytes_and_every_report(folder: Folder, place: Path) -> None:
    """A bad file is kept as it came, with each report beside it, also when it comes again."""
    for content, report in (
        (b"bad", b'["first"]'),
        (b"bad", b'["first"]'),
        (b"bad", b'["second"]'),
        (b"worse", b'["third"]'),
    ):
        folder.publish("orders.json", content)
        claimed = folder.take(folder.waiting()[0], "run")
        assert claimed
        folder.quarantine(claimed, report)
    kept = {path.name: path.read_bytes() for path in (place / "quarantine").iterdir()}
    second = next(name for name, content in kept.items() if content == b'["second"]')
    assert second.startswith("orders.json.")
    assert second.endswith(".report.json")
    third = next(name for name, content in kept.items() if content == b"worse")
    assert third.startswith("orders-")
    assert kept == {
        "orders.json": b"bad",
        "orders.json.report.json": b'["first"]',
        second: b'["second"]',
        third: b"worse",
        f"{third}.report.json": b'["third"]',
    }


def test_quarantine_goes_on_after_a_crash(folder: Folder, sftp: SftpClient, place: Path) -> None:
    """A run killed between report and move leaves the file to the next, which ends with one of each."""
    folder.publish("orders.json", b"bad")
    claimed = folder.take(folder.waiting()[0], "run")
    sftp.put("hotwax/orders/quarantine/orders.json.report.json", b"[]")
    heir = folder.take(folder.waiting()[0], "heir")
    assert claimed
    assert heir
    folder.quarantine(heir, b"[]")
    kept = sorted(path.name for path in (place / "quarantine").iterdir())
    assert kept == ["orders.json", "orders.json.report.json"]


def test_publish_never_overwrites(folder: Folder) -> None:
    """A second file under a name that waits is a conflict; the same file again is not."""
    folder.publish("orders.json", b"one")
    folder.publish("orders.json", b"one")
    with pytest.raises(FileConflict):
        folder.publish("orders.json", b"two")


def test_half_written_files_of_killed_publishers_are_cleared(folder: Folder, place: Path) -> None:
    """Temporary files of ours go after a day; younger ones and those of others stay."""
    old, young = ".a.json.0123456789ab.part", ".b.json.0123456789ab.part"
    for name in (old, young, ".theirs.part"):
        (place / name).write_bytes(b"x")
    two_days_ago = time.time() - 2 * 86_400
    for name in (old, ".theirs.part"):
        os.utime(place / name, (two_days_ago, two_days_ago))
    assert names(folder) == []
    assert sorted(path.name for path in place.iterdir() if path.is_file()) == [
        young,
        ".theirs.part",
    ]


def test_every_place_we_publish_to_is_cleared(folder: Folder, place: Path) -> None:
    """The half-written reports and responses of killed runs go too; nothing is made on the way."""
    for name in ("quarantine", "responses"):
        (place / name).mkdir()
        (place / name / ".a.json.0123456789ab.part").write_bytes(b"x")
        age(place / name / ".a.json.0123456789ab.part", days=2)
    folder.waiting()
    assert not list(place.rglob("*.part"))
    (place / "responses").rmdir()
    folder.waiting()
    assert not (place / "responses").exists()


def test_a_publisher_killed_between_link_and_unlink_leaves_the_file(
    folder: Folder, place: Path
) -> None:
    """The file stands under both names: readers see it once, and the other name goes after a day."""
    folder.publish("orders.json", b"{}")
    (place / ".orders.json.0123456789ab.part").hardlink_to(place / "orders.json")
    folder.publish("orders.json", b"{}")
    assert names(folder) == ["orders.json"]
    age(place / "orders.json", days=2)
    assert names(folder) == ["orders.json"]
    assert [path.name for path in place.iterdir() if path.is_file()] == ["orders.json"]
    assert (place / "orders.json").read_bytes() == b"{}"


def test_a_step_repeated_after_an_outage_finds_its_own_claim(folder: Folder, place: Path) -> None:
    """A run that takes a file again, by the path it had before, still has it; no other run gets it."""
    folder.publish("orders-1.json", b"{}")
    (file,) = folder.waiting()
    claimed = folder.take(file, "run-1")
    assert folder.take(file, "run-1") == claimed
    assert folder.take(file, "run-2") is None


# --- manifests


def age(path: Path, **past: float) -> None:
    """Let a file have been written some time ago."""
    moment = time.time() - timedelta(**past).total_seconds()
    os.utime(path, (moment, moment))


def test_a_file_waits_for_its_manifest(with_manifests: Folder, place: Path) -> None:
    """It is taken once the manifest stands beside it, and the manifest goes wherever it goes."""
    (place / "a.json").write_bytes(b"[]")
    assert names(with_manifests) == []
    (place / "a.json.manifest.json").write_bytes(b"{}")
    (file,) = with_manifests.waiting()
    claimed = with_manifests.take(file, "run")
    assert claimed
    assert with_manifests.read_manifest(claimed) == b"{}"
    assert [path.name for path in place.iterdir() if path.is_file()] == []
    with_manifests.archive(claimed)
    kept = sorted(path.name for path in (place / "archive").iterdir())
    assert kept == ["a.json", "a.json.manifest.json"]
    assert with_manifests.waiting() == []
    assert not any((place / "processing").iterdir())


def test_a_file_whose_manifest_never_comes_is_not_forgotten(
    with_manifests: Folder, place: Path
) -> None:
    """After an hour it is taken without; a manifest that comes later is put away after a day."""
    (place / "a.json").write_bytes(b"[]")
    age(place / "a.json", hours=2)
    (file,) = with_manifests.waiting()
    claimed = with_manifests.take(file, "run")
    assert claimed
    assert with_manifests.read_manifest(claimed) is None
    with_manifests.quarantine(claimed, b"{}")
    late = place / "a.json.manifest.json"
    late.write_bytes(b"{}")
    assert with_manifests.waiting() == []
    assert late.exists()
    age(late, days=2)
    assert with_manifests.waiting() == []
    assert (place / "archive/a.json.manifest.json").exists()


@pytest.mark.parametrize("killed", ["after both claims", "between the claims"])
def test_a_manifest_follows_a_take_over(with_manifests: Folder, place: Path, killed: str) -> None:
    """Wherever the killed run left the manifest, its heir has it."""
    for name in ("a.json", "a.json.manifest.json"):
        (place / name).write_bytes(b"{}")
    dead = with_manifests.take(with_manifests.waiting()[0], "dead")
    assert dead
    if killed == "between the claims":
        claimed = place / "processing/dead--a.json.manifest.json"
        claimed.rename(place / "a.json.manifest.json")
    (left_over,) = with_manifests.waiting()
    heir = with_manifests.take(left_over, "heir")
    assert heir
    assert with_manifests.take(left_over, "heir") == heir
    assert with_manifests.read_manifest(heir) == b"{}"


def test_a_run_killed_before_it_put_the_manifest_away(with_manifests: Folder, place: Path) -> None:
    """The manifest that is left in processing follows its file into the archive."""
    (place / "processing").mkdir()
    left = place / "processing/dead--a.json.manifest.json"
    left.write_bytes(b"{}")
    age(left, days=2)
    assert with_manifests.waiting() == []
    assert [path.name for path in (place / "archive").iterdir()] == ["a.json.manifest.json"]


def test_names_repeat_with_manifests(with_manifests: Folder, place: Path) -> None:
    """Other content under a name that was used before is kept beside it, with its own manifest."""
    for content in (b"one", b"two", b"two"):
        (place / "a.json").write_bytes(content)
        (place / "a.json.manifest.json").write_bytes(b"of " + content)
        claimed = with_manifests.take(with_manifests.waiting()[0], "run")
        assert claimed
        with_manifests.archive(claimed)
    kept = {path.name: path.read_bytes() for path in (place / "archive").iterdir()}
    assert kept == {
        "a.json": b"one",
        "a.json.manifest.json": b"of one",
        "a-3fc4ccfe.json": b"two",
        "a-3fc4ccfe.json.manifest.json": b"of two",
    }


def test_a_manifest_nobody_asked_for_is_no_feed(folder: Folder, place: Path) -> None:
    """A producer may begin to write manifests before they are asked for."""
    for name in ("a.json", "a.json.manifest.json"):
        (place / name).write_bytes(b"[]")
    assert names(folder) == ["a.json"]


@pytest.mark.parametrize("worker", ["", "a--b", "-a", "a/b", "x" * 41, "é"])
def test_worker_that_could_not_be_told_apart(folder: Folder, sftp: SftpClient, worker: str) -> None:
    """A worker's name that would blur the file's own name is refused."""
    sftp.put("hotwax/orders/a.json", b"{}")
    with pytest.raises(ValueError, match="worker"):
        folder.take(folder.waiting()[0], worker)


def test_long_names_go_all_the_way_or_not_at_all(folder: Folder, place: Path) -> None:
    """The longest name that is taken fits everywhere, also as a left-over; a longer one is reported."""
    longest, too_long = "x" * 155 + ".json", "y" * 156 + ".json"
    for name in (longest, too_long):
        (place / name).write_bytes(b"bad")
    (file,) = folder.waiting()
    assert file.name == longest
    assert "too long" in folder.notices
    claimed = folder.take(file, "w" * 40)
    assert claimed
    (left_over, *_) = folder.waiting()
    assert left_over.path == claimed
    folder.quarantine(claimed, b"[1]")
    (place / longest).write_bytes(b"worse")
    claimed = folder.take(folder.waiting()[0], "w" * 40)
    assert claimed
    folder.quarantine(claimed, b"[2]")
    assert len(list((place / "quarantine").iterdir())) == 4


def test_original_name() -> None:
    """The name a file came with is found again in processing; elsewhere two dashes are its own."""
    assert original_name("in/processing/run-1--a--b.json") == "a--b.json"
    assert original_name("in/a--b.json") == "a--b.json"
    assert original_name("in/processing/by-hand.json") == "by-hand.json"
