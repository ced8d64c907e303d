"""nginx with a site of deploy/, as a process of the test."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from sandbox.certificate import write_certificate

DEPLOY = Path(__file__).parents[1] / "deploy"
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin")
MAIN = """
daemon off;
user root;
pid {state}/nginx.pid;
error_log {state}/error.log;
events {{ worker_connections 2048; }}
http {{
    access_log off;
    client_body_temp_path {state}/body;
    proxy_temp_path {state}/proxy;
    fastcgi_temp_path {state}/fastcgi;
    uwsgi_temp_path {state}/uwsgi;
    scgi_temp_path {state}/scgi;
    include {state}/site.conf;
}}
"""


@contextlib.contextmanager
def running_nginx(state: Path, site: str, port: int, changes: Mapping[str, str]) -> Iterator[None]:
    """Run a file of deploy/ with the test's ports and paths; `state` gets `certificate.pem`."""
    if NGINX is None:
        pytest.skip("no nginx on this machine")
    state.mkdir()
    write_certificate(state / "certificate.pem")
    text = (DEPLOY / site).read_text()
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    (state / "site.conf").write_text(text)
    (state / "nginx.conf").write_text(MAIN.format(state=state))
    with (state / "out.log").open("wb") as log:
        process = subprocess.Popen(
            [NGINX, "-e", f"{state}/error.log", "-c", f"{state}/nginx.conf"], stderr=log
        )
    try:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            assert process.poll() is None, (state / "out.log").read_text()
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", port), 1),
            ):
                break
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(20)
