"""The install guide's accounts, folders and secrets, followed as written in a scratch copy of this machine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs/guides/install.md"
# Everything that the guide changes lands in memory, and is gone with the mount namespace.
SCRATCH = r"""
set -eu
mount -t tmpfs scratch "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay scratch -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
mkdir -p "$1/root/opt/tillbridge" "$1/root/srv/tillbridge-source" "$1/root/dev"
mount --bind "$2" "$1/root/opt/tillbridge"
mount --bind /dev "$1/root/dev"
cp "$3/tillbridge.example.toml" "$1/root/srv/tillbridge-source"
exec chroot "$1/root" sh -c "$4"
"""
LOOK = """
find /etc/tillbridge /var/lib/tillbridge /var/lib/tillbridge-server -printf '%m %u %g %p\\n'
for file in server.env worker.env setup.env tillbridge.toml keys/sftp_ed25519; do
  for account in tillbridge tillbridge-server; do
    setpriv --reuid "$account" --regid "$account" --clear-groups cat "/etc/tillbridge/$file" >/dev/null 2>&1 &&
      echo "reads $account $file"
  done
done
echo "keys $(grep -l ENCRYPTION_KEY /etc/tillbridge/*)"
grep -c . /etc/tillbridge/server.env
"""


def commands(heading: str) -> str:
    """Give the shell commands of one section of the guide."""
    section = GUIDE.read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return "\n".join(re.findall(r"```sh\n(.*?)```", section, re.DOTALL))


def test_nobody_else_reads_secrets(tmp_path: Path) -> None:
    """With the usual umask at the start: each thing belongs to whom the guide says, and is for him only."""
    if os.geteuid() != 0:
        pytest.skip("accounts can be made by root only")
    script = "\n".join(
        (
            "set -eu; umask 022; cd /srv/tillbridge-source",
            commands("2. Accounts, folders and secrets"),
            "set +e",
            LOOK,
        )
    )
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", SCRATCH, "sh", tmp_path, sys.prefix, ROOT, script],
        capture_output=True,
        text=True,
        check=False,
    )
    if "mount:" in done.stderr or "unshare:" in done.stderr:
        pytest.skip(f"no scratch root on this machine: {done.stderr.strip()}")
    lines = done.stdout.splitlines()
    modes = dict(line.rsplit(" ", 1)[::-1] for line in lines if re.match(r"\d{3} ", line))
    assert modes == {
        "/etc/tillbridge": "750 root tillbridge",
        "/etc/tillbridge/keys": "700 tillbridge tillbridge",
        "/etc/tillbridge/keys/sftp_ed25519": "600 tillbridge tillbridge",
        "/etc/tillbridge/keys/sftp_ed25519.pub": "600 tillbridge tillbridge",
        "/etc/tillbridge/server.env": "600 root root",
        "/etc/tillbridge/setup.env": "600 root root",
        "/etc/tillbridge/tillbridge.toml": "600 tillbridge tillbridge",
        "/etc/tillbridge/worker.env": "600 root root",
        "/var/lib/tillbridge": "700 tillbridge tillbridge",
        "/var/lib/tillbridge-server": "700 tillbridge-server tillbridge-server",
    }, done.stderr
    assert [line for line in lines if line.startswith("reads")] == [
        "reads tillbridge tillbridge.toml",
        "reads tillbridge keys/sftp_ed25519",
    ]
    assert "keys /etc/tillbridge/server.env" in lines
