"""A TCP proxy on loopback that breaks the connections through it when told to."""

from __future__ import annotations

import contextlib
import socket
import threading
import time


class CuttingProxy:
    """Forwards TCP to a port, and cuts or freezes connections when told to."""

    def __init__(self, target_port: int) -> None:
        self._target = target_port
        self._lock = threading.Lock()
        self._frozen = threading.Event()
        self._freeze_at = 0
        self._cuts_left = 0
        self._cut_at = {"up": -1, "down": -1}
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        # Small buffers, so that a far end that takes nothing is soon felt.
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_192)
        self.port = int(self._listener.getsockname()[1])
        self.connections = 0
        self.cuts_made = 0
        self.passed = {"up": 0, "down": 0}
        self._start(self._accept)

    def cut(self, *, up: int = -1, down: int = -1, times: int = 1) -> None:
        """Cut the next `times` connections once that many bytes went up or down."""
        with self._lock:
            self._cut_at, self._cuts_left = {"up": up, "down": down}, times

    def freeze(self, after: int = 0) -> None:
        """Take bytes no more once `after` more went up, but keep the connections."""
        self._freeze_at = self.passed["up"] + after
        self._frozen.set()

    def cut_all(self) -> None:
        """Cut the connections there are; new ones pass."""
        with self._lock:
            for sock in self._sockets:
                _hang_up(sock)

    def close(self) -> None:
        """Hang up everywhere."""
        self._frozen.clear()
        _hang_up(self._listener)
        self._listener.close()
        self.cut_all()
        for thread in self._threads:
            thread.join(10)
        for sock in self._sockets:
            sock.close()

    def _start(self, target: object, *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                return
            with self._lock:
                self.connections += 1
                limits = dict(self._cut_at) if self._cuts_left else {"up": -1, "down": -1}
                self._cuts_left = max(0, self._cuts_left - 1)
                self._sockets += [near, far]
            self._start(self._forward, near, far, limits["up"], "up")
            self._start(self._forward, far, near, limits["down"], "down")

    def _forward(self, source: socket.socket, target: socket.socket, limit: int, way: str) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while data := source.recv(4096):
                while self._frozen.is_set() and self.passed["up"] >= self._freeze_at:
                    time.sleep(0.01)
                if 0 <= limit <= passed + len(data):
                    target.sendall(data[: limit - passed])
                    self.cuts_made += 1
                    break
                target.sendall(data)
                passed += len(data)
                self.passed[way] += len(data)
        _hang_up(source)
        _hang_up(target)


def _hang_up(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
