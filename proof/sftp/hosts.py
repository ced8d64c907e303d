"""Servers that are not to be talked to, and servers that guarantee too little: each is refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from proof.sftp.lane import Lane, Lanes
from sandbox.openssh import make_key
from tillbridge.clients.exchange import Folder
from tillbridge.clients.sftp import SftpClient, SftpSettings
from tillbridge.clients.sftp_settings import HostKey
from tillbridge.errors import ConfigurationProblem

_NO_EXTENSIONS = "internal-sftp -P fsync,posix-rename"


def refuse_wrong_hosts(lanes: Lanes) -> dict[str, Any]:
    """Meet each such server, and look whether the refusal names the cause; the last two are fine."""
    with lanes.lane() as lane:
        found = {
            "unknown host key": _says(lane, ["No host key is pinned", _shown(lane)], host_keys=[]),
            "wrong login key": _says(
                lane,
                ["refused the login"],
                private_key=make_key(lane.sshd.state / "stranger").read_text(),
            ),
            "changed host key": _after_a_change(lane),
            "only CBC ciphers": _restarted(lane, "Ciphers aes128-cbc", "safe enough"),
            "only SHA-1": _restarted(lane, "MACs hmac-sha1\nCiphers aes128-ctr", "safe enough"),
            "no fsync and no posix-rename": _weaker_storage(lane),
            "a rename that overwrites": _overwriting(lane),
            "old and new host key pinned": _rotation(lane),
            "weaker storage that is accepted": not _weaker_storage(
                lane, accept_weaker_storage=True
            ),
        }
    return {
        "cases": len(found),
        "wrong": [name for name, is_right in found.items() if not is_right],
    }


def _refusal(settings: SftpSettings, folder: Path) -> str:
    settings = settings.model_copy(update={"root": str(folder)})
    with SftpClient(settings) as client:
        try:
            Folder(client, "orders", quiet_seconds=0).waiting()
        except ConfigurationProblem as problem:
            return str(problem)
    return ""


def _says(lane: Lane, words: list[str], **changes: object) -> bool:
    text = _refusal(lane.sshd.settings(**changes), lane.new_case())
    return all(word in text for word in words)


def _shown(lane: Lane) -> str:
    return HostKey.parse(lane.sshd.pinned).fingerprint


def _after_a_change(lane: Lane) -> bool:
    before, old = lane.sshd.settings(), _shown(lane)
    lane.sshd.stop()
    lane.sshd.host_key = make_key(lane.sshd.state / "host_key_2")
    _start(lane)
    text = _refusal(before, lane.new_case())
    return all(word in text for word in (old, _shown(lane), "somebody may be in between"))


def _rotation(lane: Lane) -> bool:
    """Whether a server is talked to before and after it changes its key, with both keys pinned."""
    old = lane.sshd.pinned
    new = make_key(lane.sshd.state / "host_key_3")
    both = lane.sshd.settings(host_keys=[old, Path(f"{new}.pub").read_text()])
    before = _refusal(both, lane.new_case())
    lane.sshd.stop()
    lane.sshd.host_key = new
    _start(lane)
    return not before and not _refusal(both, lane.new_case())


def _restarted(lane: Lane, option: str, words: str) -> bool:
    lane.sshd.stop()
    lane.sshd.start(option)
    text = _refusal(lane.sshd.settings(), lane.new_case())
    lane.sshd.stop()
    _start(lane)
    return words in text


def _weaker_storage(lane: Lane, **changes: object) -> bool:
    lane.sshd.stop()
    lane.sshd.start(subsystem=_NO_EXTENSIONS)
    text = _refusal(lane.sshd.settings(**changes), lane.new_case())
    lane.sshd.stop()
    _start(lane)
    return "fsync@openssh.com" in text and "posix-rename@openssh.com" in text


def _overwriting(lane: Lane) -> bool:
    folder = lane.new_case()
    lane.plan.set("overwrite", "RENAME", 0)
    return "a rename overwrites another file" in _refusal(lane.sshd.settings(), folder)


def _start(lane: Lane) -> None:
    lane.sshd.start(subsystem=lane.plan.subsystem(lane.sshd.root))
