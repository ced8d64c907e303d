"""The server of the guide, built from its own commands, and what each party's hands can do there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox.openssh import Sshd
from tillbridge.clients.exchange import Folder
from tillbridge.clients.sftp import SftpClient
from tillbridge.errors import ConfigurationProblem, TillbridgeError

GUIDE = Path(__file__).parents[2] / "docs/guides/own-openssh-server.md"
PARTIES = ("tillbridge", "hotwax", "predictspring")
MARK = f"tb{os.getpid()}"
ROOT = f"/srv/{MARK}"

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("useradd"), reason="accounts are made by root"
)


def renamed(text: str) -> str:
    """Give accounts, groups and folders names that this machine has none of."""
    text = text.replace("/srv/tillbridge", ROOT).replace("sftp-parties", f"{MARK}-all")
    for party in PARTIES:
        # As an account or a group; not as a folder.
        text = re.sub(rf"(?<=[ ,]){party}(?=[ ,;\n]|$)", f"{MARK}-{party[0]}", text, flags=re.M)
    return text


@pytest.fixture(scope="module")
def blocks() -> Iterator[list[str]]:
    """Do the guide's commands as root; gives its code blocks. Accounts and folders go away again."""
    found = re.findall(r"```(?:sh)?\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    accounts, _, folders, *_ = found
    try:
        for commands in (accounts, folders):
            subprocess.run(
                ["bash", "-euc", renamed(commands)], check=True, capture_output=True, text=True
            )
        yield [renamed(block) for block in found]
    finally:
        for party in PARTIES:
            subprocess.run(["userdel", f"{MARK}-{party[0]}"], check=False, capture_output=True)
        subprocess.run(["groupdel", f"{MARK}-all"], check=False, capture_output=True)
        shutil.rmtree(ROOT, ignore_errors=True)


@pytest.fixture
def log_in(
    blocks: list[str], stopped_sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., SftpClient]]:
    """Log in as a party."""
    monkeypatch.setattr("tillbridge.clients.exchange.sleep", lambda seconds: None)
    shutil.copy(f"{stopped_sshd.client_key}.pub", f"{ROOT}/key")
    Path(f"{ROOT}/key").chmod(0o644)
    options = blocks[1].replace("/etc/ssh/keys/%u", f"{ROOT}/key")
    stopped_sshd.start(
        options.replace("Subsystem sftp internal-sftp\n", ""), subsystem="internal-sftp"
    )
    clients = []

    def log_in(party: str, **settings: object) -> SftpClient:
        user = f"{MARK}-{party[0]}"
        clients.append(SftpClient(stopped_sshd.settings(user=user, root="exchange", **settings)))
        return clients[-1]

    yield log_in
    for client in clients:
        client.close()


def test_files_go_their_way(log_in: Callable[..., SftpClient]) -> None:
    """What a party drops is taken and put away, and what tillbridge writes for HotWax is there to be taken."""
    tillbridge = log_in("tillbridge", folder_mode="0700")
    for party, folder in (
        ("hotwax", "hotwax/completed-orders"),
        ("predictspring", "predictspring/tlog"),
    ):
        # A party's program may send any rights for its files; this is what most have on its disk.
        with_rights = log_in(party, file_mode="0644")
        with_rights.put(f"{folder}/a.json", b"[]")
        exchange = Folder(tillbridge, folder)
        (file,) = exchange.waiting()
        claimed = exchange.take(file, "run")
        assert claimed is not None
        assert tillbridge.read(claimed, 100) == b"[]"
        assert exchange.archive(claimed) == f"{folder}/archive/a.json"
        assert exchange.notices == ""
    Folder(tillbridge, "hotwax/order-import").publish("OrderImport-1.json", b"[1]")
    hotwax = log_in("hotwax")
    assert hotwax.read("hotwax/order-import/OrderImport-1.json", 100) == b"[1]"
    hotwax.remove("hotwax/order-import/OrderImport-1.json")
    assert tillbridge.list("hotwax/order-import") == []
    Folder(tillbridge, "retail-pro/order-to-invoice").publish("OrderToInvoice-1.json", b"[1]")
    tillbridge.put("retail-pro/order-to-invoice/responses/InvoiceResponses-1.json", b"[1]")


@pytest.mark.parametrize(
    ("party", "own", "others"),
    [
        ("hotwax", "hotwax/completed-orders", "predictspring/tlog"),
        ("predictspring", "predictspring/tlog", "hotwax/completed-orders"),
    ],
)
def test_no_party_has_its_hands_in_what_is_not_its_own(
    log_in: Callable[..., SftpClient], party: str, own: str, others: str
) -> None:
    """Nobody but tillbridge reads, writes or renames its folders, and no party another's."""
    tillbridge = log_in("tillbridge", folder_mode="0700")
    for place in ("processing", "archive", "quarantine"):
        tillbridge.put(f"{own}/{place}/kept.json", b"customer")
    tillbridge.put(f"{others}/dropped.json", b"customer")
    tillbridge.put("retail-pro/order-to-invoice/responses/InvoiceResponses-1.json", b"[1]")
    hands = log_in(party)
    hands.put(f"{own}/mine.json", b"[]")
    hands.move(f"{own}/mine.json", f"{own}/mine-2.json")
    closed = [f"{own}/{place}" for place in ("processing", "archive", "quarantine")]
    closed += [others, "retail-pro/order-to-invoice", "retail-pro/order-to-invoice/responses"]
    for folder in closed:
        for name in ("kept.json", "dropped.json", "InvoiceResponses-1.json"):
            with pytest.raises(TillbridgeError):
                hands.read(f"{folder}/{name}", 100)
        for step in (
            lambda folder=folder: hands.put(f"{folder}/new.json", b"[]"),
            lambda folder=folder: hands.move(f"{own}/mine-2.json", f"{folder}/new.json"),
            lambda folder=folder: hands.claim(folder, f"{own}/old"),
            lambda folder=folder: hands.list(folder),
        ):
            with pytest.raises(ConfigurationProblem, match="does not allow"):
                step()
    for place in ("processing", "archive", "quarantine"):
        assert tillbridge.read(f"{own}/{place}/kept.json", 100) == b"customer"
        tillbridge.remove(f"{own}/{place}/kept.json")
    tillbridge.remove(f"{others}/dropped.json")
    hands.remove(f"{own}/mine-2.json")
