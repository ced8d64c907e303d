"""What is said when an SFTP server or the network freezes or restarts; cuts and refusals are in `proof`."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from sandbox.cutting_proxy import CuttingProxy
from sandbox.openssh import Sshd
from tillbridge.clients.sftp import SftpClient
from tillbridge.errors import TillbridgeError, Unavailable

pytestmark = pytest.mark.faults


def through(proxy: CuttingProxy, sshd: Sshd) -> SftpClient:
    return SftpClient(sshd.settings(port=proxy.port, connect_timeout=5, operation_timeout=5))


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


def test_errors_survive_a_process_border(proxy: CuttingProxy, sshd: Sshd) -> None:
    """The errors of the client can be pickled with their text."""
    import pickle

    proxy.cut(up=0, times=5)
    with through(proxy, sshd) as client, pytest.raises(TillbridgeError) as caught:
        client.list("in")
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own bytes
    assert (type(again), str(again)) == (type(caught.value), str(caught.value))
