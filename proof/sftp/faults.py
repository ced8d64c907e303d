"""Breaks SFTP in every way that `docs/concepts/files-on-sftp.md` speaks of, on a real OpenSSH, and counts.

The parts are `cuts`, `refusals`, `sharing` and `hosts`.
"""

from __future__ import annotations

from typing import Any

from proof.sftp.cuts import cut_at_random_bytes, kill_at_every_request
from proof.sftp.hosts import refuse_wrong_hosts
from proof.sftp.lane import open_lanes
from proof.sftp.refusals import fill_the_disk, refuse_at_each_step
from proof.sftp.sharing import claim_by_many, read_beside_a_slow_writer

_LANES = 3


def run(full: bool) -> dict[str, Any]:
    """Do everything, small or in full, and give the counts as JSON values."""
    sizes = (0, 33_000, 300_000) if full else (33_000,)
    with open_lanes(_LANES) as lanes:
        return {
            "size": "full" if full else "small",
            "killed_at_every_request": {
                f"{size} bytes": kill_at_every_request(lanes, size, full=full) for size in sizes
            },
            "cut_at_random_bytes": cut_at_random_bytes(lanes, 5_000 if full else 15, 70_000),
            "refusals": refuse_at_each_step(lanes),
            "full_disk": fill_the_disk(lanes),
            "slow_writer": read_beside_a_slow_writer(
                lanes,
                files=1_000 if full else 50,
                quiet_seconds=2.0 if full else 0.5,
                pause=0.5 if full else 0.03,
            ),
            "claimers": claim_by_many(lanes, 5_000 if full else 100),
            "hosts": refuse_wrong_hosts(lanes),
        }
