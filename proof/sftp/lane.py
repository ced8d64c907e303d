"""A place to break SFTP in: an OpenSSH of its own, with the program that does wrong and a proxy that cuts.

Several lanes work side by side; each case gets a folder of its own in its lane.
"""

from __future__ import annotations

import queue
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sandbox.cutting_proxy import CuttingProxy
from sandbox.openssh import SFTP_SERVER, SSHD, Sshd, make_key
from sandbox.sftp_between import FaultPlan
from tillbridge.clients.sftp import SftpClient

C = TypeVar("C")
R = TypeVar("R")


@dataclass
class Lane:
    """One server and what breaks it; for one case at a time."""

    sshd: Sshd
    plan: FaultPlan
    proxy: CuttingProxy
    _cases: int = 0

    def new_case(self) -> Path:
        """Make an empty folder on the server's disk, and let all be well."""
        self.plan.clear()
        self.proxy.cut(times=0)
        self._cases += 1
        folder = self.sshd.root / str(self._cases)
        folder.mkdir()
        return folder

    def client(self, folder: Path, *, through_proxy: bool = False) -> SftpClient:
        """Give a client whose root is the case's folder."""
        port = self.proxy.port if through_proxy else self.sshd.port
        settings = self.sshd.settings(port=port, root=str(folder), operation_timeout=20)
        return SftpClient(settings)


class Lanes:
    """Does cases in parallel, each in a lane that is free."""

    def __init__(self, lanes: list[Lane]) -> None:
        self._free: queue.SimpleQueue[Lane] = queue.SimpleQueue()
        for lane in lanes:
            self._free.put(lane)
        self._count = len(lanes)

    @contextmanager
    def lane(self) -> Iterator[Lane]:
        """Lend a lane."""
        lane = self._free.get()
        try:
            yield lane
        finally:
            self._free.put(lane)

    def do_all(self, work: Callable[[Lane, C], R], cases: Iterable[C]) -> list[R]:
        """Do the work on every case; results are in their order."""

        def one(case: C) -> R:
            with self.lane() as lane:
                return work(lane, case)

        with ThreadPoolExecutor(self._count) as threads:
            return list(threads.map(one, cases))


@contextmanager
def open_lanes(count: int) -> Iterator[Lanes]:
    """Start so many servers, and stop them at the end."""
    if SSHD is None or SFTP_SERVER is None:
        raise RuntimeError("OpenSSH with its sftp-server program is needed")
    with ExitStack() as stack:
        state = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tillbridge-sftp-")))
        client_key = make_key(state / "client_key")
        lanes = []
        for number in range(count):
            own, root = state / str(number), state / f"{number}-files"
            own.mkdir()
            root.mkdir()
            plan = FaultPlan(own / "plan", SFTP_SERVER)
            sshd = Sshd(own, root, client_key)
            sshd.start(subsystem=plan.subsystem(root))
            stack.callback(sshd.stop)
            proxy = CuttingProxy(sshd.port)
            stack.callback(proxy.close)
            lanes.append(Lane(sshd, plan, proxy))
        yield Lanes(lanes)
