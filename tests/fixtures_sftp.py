"""SFTP servers on loopback with keys of their own, and a TCP proxy that breaks connections."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from copy import copy
from pathlib import Path

import pytest

from sandbox.cutting_proxy import CuttingProxy
from sandbox.openssh import SSHD, Sshd, make_key
from sandbox.sftp import SandboxSftp, serve_sftp
from tillbridge.clients.sftp import SftpClient, SftpSettings


@pytest.fixture(scope="session")
def ssh_client_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if SSHD is None:
        pytest.skip("no OpenSSH server on this machine")
    return make_key(tmp_path_factory.mktemp("ssh") / "client_key")


@pytest.fixture
def stopped_sshd(tmp_path: Path, ssh_client_key: Path) -> Iterator[Sshd]:
    """An sshd that the test starts itself, with options of its own."""
    state, root = tmp_path / "sshd", tmp_path / "exchange"
    state.mkdir()
    root.mkdir()
    server = Sshd(state, root, ssh_client_key)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def lasting_sshd(tmp_path_factory: pytest.TempPathFactory, ssh_client_key: Path) -> Iterator[Sshd]:
    """One sshd for all tests; a login lands where its `root`, a link, points to at that moment."""
    state = tmp_path_factory.mktemp("sshd")
    server = Sshd(state, state / "root", ssh_client_key)
    yield server
    server.stop()


@pytest.fixture
def sshd(lasting_sshd: Sshd, tmp_path: Path) -> Iterator[Sshd]:
    """A running sshd with a folder of the test's own; it may be stopped, and get another key."""
    if not lasting_sshd.is_running:
        lasting_sshd.start()
    server = copy(lasting_sshd)
    server.state, server.root = tmp_path / "sshd", tmp_path / "exchange"
    server.state.mkdir()
    server.root.mkdir()
    lasting_sshd.root.unlink(missing_ok=True)
    lasting_sshd.root.symlink_to(server.root)
    yield server
    if server.process is not lasting_sshd.process:
        server.stop()


@pytest.fixture
def sftp(sshd: Sshd) -> Iterator[SftpClient]:
    """A client of `sshd`, with room for parallel work."""
    with SftpClient(sshd.settings(connections=2, channels_per_connection=8)) as client:
        yield client


@pytest.fixture
def proxy(sshd: Sshd) -> Iterator[CuttingProxy]:
    """A proxy in front of `sshd`."""
    server = CuttingProxy(sshd.port)
    yield server
    server.close()


@pytest.fixture
def sandbox_settings(tmp_path: Path) -> Iterator[SftpSettings]:
    """The settings of a running sandbox server, whose files are in `tmp_path / "exchange"`."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        serving = serve_sftp(tmp_path / "sandbox", tmp_path / "exchange")
        server: SandboxSftp = asyncio.run_coroutine_threadsafe(serving, loop).result(20)
        yield SftpSettings.model_validate(
            {
                "host": "127.0.0.1",
                "port": server.port,
                "user": server.user,
                "private_key": server.client_key,
                "host_keys": [server.host_key],
            }
        )
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(20)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
        loop.close()


@pytest.fixture(params=["openssh", "sandbox"])
def any_sftp(request: pytest.FixtureRequest) -> Iterator[SftpClient]:
    """A client of each kind of server in turn, whose files are in `tmp_path / "exchange"`."""
    if request.param == "openssh":
        settings = request.getfixturevalue("sshd").settings()
    else:
        settings = request.getfixturevalue("sandbox_settings")
    parallel = settings.model_copy(update={"connections": 2, "channels_per_connection": 4})
    with SftpClient(parallel) as client:
        yield client
