"""The nginx configuration before the Prefect server, run as it is documented, with a real Prefect behind it."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from prefect.blocks.system import Secret

from sandbox.openssh import free_port
from sandbox.platform import Platform
from tests.fixtures_nginx import DEPLOY, running_nginx

CANARY = "canary-of-a-block-6f1d"
READER = ("reader", "a-reader-password")


@dataclass(frozen=True)
class Proxy:
    """The proxy and what its two names let through."""

    administrator: httpx.Client
    reader: httpx.Client
    run_id: str
    block_id: str


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, prefect_server: Platform) -> Iterator[Proxy]:
    """Run the documented file, with the test's ports, paths and addresses."""
    state: Path = tmp_path_factory.mktemp("proxy") / "nginx"
    port = free_port()
    readers = state.parent / "readers"
    readers.write_text(f"{READER[0]}:{{PLAIN}}{READER[1]}\n")
    password = state.parent / "password.conf"
    password.write_text('proxy_set_header Authorization "Basic c2VydmVyOnNlY3JldA==";\n')
    told = httpx.get(f"{prefect_server.ui_url}/ui-settings", timeout=60).json()
    changes = {
        "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
        "127.0.0.1:4200": f"127.0.0.1:{prefect_server.port}",
        "/etc/ssl/prefect.brand.example.pem": f"{state}/certificate.pem",
        "/etc/ssl/private/prefect.brand.example.key": f"{state}/certificate.pem",
        "/etc/nginx/prefect_reader.conf": str(DEPLOY / "nginx_prefect_reader.conf"),
        "/etc/nginx/prefect_readers": str(readers),
        "/etc/nginx/prefect_password.conf": str(password),
        "192.0.2.0/24": "127.0.0.1",
        "https://prefect.brand.example/api": told["api_url"],
    }
    flow = prefect_server.api("POST", "/flows/", {"name": "looked-at"})
    wanted = {"flow_id": flow["id"], "state": {"type": "SCHEDULED"}}
    run = prefect_server.api("POST", "/flow_runs/", wanted)
    block_id = Secret(value=CANARY).save("looked-at", overwrite=True)
    with running_nginx(state, "nginx_prefect.conf", port, changes):
        trusted = ssl.create_default_context(cafile=str(state / "certificate.pem"))
        where: dict[str, Any] = {
            "verify": trusted,
            "base_url": f"https://127.0.0.1:{port}",
            "timeout": 60,
        }
        with (
            httpx.Client(headers={"Host": "prefect.brand.example"}, **where) as administrator,
            httpx.Client(headers={"Host": "runs.brand.example"}, auth=READER, **where) as reader,
        ):
            yield Proxy(administrator, reader, run["id"], str(block_id))


def test_readers_see_runs(proxy: Proxy) -> None:
    """What the UI asks to show runs is answered, by GET and by the POSTs that only look things up."""
    found = proxy.reader.post("/api/flow_runs/filter", json={"limit": 5})
    assert proxy.run_id in [run["id"] for run in found.json()]
    for path in ("flow_runs/count", "flows/count", "deployments/count", "task_runs/count"):
        assert proxy.reader.post(f"/api/{path}", json={}).status_code == 200, path
    for path in ("logs/filter", "artifacts/latest/filter", "events/filter", "work_queues/filter"):
        assert proxy.reader.post(f"/api/{path}", json={}).status_code == 200, path
    for path in (
        f"flow_runs/{proxy.run_id}",
        f"flow_runs/{proxy.run_id}/graph-v2",
        f"flow_run_states/?flow_run_id={proxy.run_id}",
        "flows/name/looked-at",
        "admin/version",
    ):
        assert proxy.reader.get(f"/api/{path}").status_code == 200, path
    page = proxy.reader.get("/", headers={"Accept": "text/html"}, follow_redirects=True)
    assert "<html" in page.text.lower()
    settings = proxy.reader.get("/ui-settings").json()
    assert settings["api_url"] == "https://runs.brand.example/api"


def test_readers_change_nothing_and_get_no_secret(proxy: Proxy, prefect_server: Platform) -> None:
    """Writes, blocks, variables, settings, templates and odd spellings of them are refused."""
    run, block = proxy.run_id, proxy.block_id
    assert (
        CANARY in proxy.administrator.get(f"/api/block_documents/{block}?include_secrets=true").text
    )
    writes = [
        ("POST", "/api/flow_runs/", {"flow_id": run, "job_variables": {"command": "id"}}),
        ("POST", f"/api/flow_runs/{run}/set_state", {"state": {"type": "CANCELLED"}}),
        ("PATCH", f"/api/flow_runs/{run}", {"job_variables": {"command": "id"}, "name": "changed"}),
        ("DELETE", f"/api/flow_runs/{run}", None),
        ("POST", f"/api/deployments/{run}/create_flow_run", {"job_variables": {"command": "id"}}),
        ("POST", "/api/deployments/", {}),
        ("POST", "/api/work_pools/tillbridge/get_scheduled_flow_runs", {}),
        ("POST", "/api/events", []),
        ("POST", "/api/automations/", {}),
        ("PUT", f"/api/automations/{run}", {}),
        ("POST", "/api/logs/", []),
        ("POST", f"/api/flow_runs/{run}", {}),
        ("POST", "/", {}),
        ("PUT", "/api/flow_runs/filter", {}),
    ]
    secrets = [
        ("GET", f"/api/block_documents/{block}?include_secrets=true", None),
        ("GET", f"/api/block_documents/{block}", None),
        ("POST", "/api/block_documents/filter", {"include_secrets": True}),
        ("GET", "/api/block_types/slug/secret/block_documents?include_secrets=true", None),
        (
            "GET",
            "/api/block_types/slug/secret/block_documents/name/looked-at?include_secrets=true",
            None,
        ),
        ("GET", f"/api/flow_runs/..%2fblock_documents%2f{block}?include_secrets=true", None),
        ("GET", f"/api/flow_runs/%2e%2e/block_documents/{block}?include_secrets=true", None),
        ("GET", f"/api//block_documents/{block}?include_secrets=true", None),
        ("GET", f"/api/flow_runs/x;/../../block_documents/{block}?include_secrets=true", None),
        ("GET", f"/API/block_documents/{block}?include_secrets=true", None),
        ("POST", "/api/variables/filter", {}),
        ("GET", "/api/admin/settings", None),
        ("POST", "/api/work_pools/filter", {}),
        ("GET", "/api/work_pools/tillbridge", None),
        ("GET", "/api/csrf-token?client=x", None),
    ]
    for method, path, body in [*writes, *secrets]:
        # httpx would tidy the path up before it is sent.
        answer = proxy.reader.request(method, path, json=body)
        assert answer.status_code in {403, 404, 405}, f"{method} {path}: {answer.status_code}"
        assert CANARY not in answer.text
    for path in ("/api/events/in", "/api/events/out", "/api/logs/out"):
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
        answer = proxy.reader.get(path, headers={**upgrade, "Sec-WebSocket-Key": "x" * 24})
        assert answer.status_code == 403, path
    after = prefect_server.api("GET", f"/flow_runs/{run}")
    assert (after["state"]["type"], after["name"] == "changed") == ("SCHEDULED", False)


def test_readers_need_their_password(proxy: Proxy) -> None:
    """Without it, or with another one, the API is closed."""
    for auth in (None, ("reader", "wrong"), ("server", "secret")):
        answer = httpx.Client.post(
            proxy.reader,
            "/api/flow_runs/filter",
            json={},
            auth=httpx.BasicAuth(*auth) if auth else None,
        )
        assert answer.status_code == 401, auth


def test_only_the_ui_and_its_api_are_let_through(proxy: Proxy) -> None:
    """What Prefect answers without a password and no page needs is not there, and TLS is asked for."""
    for path in ("/docs", "/redoc", "/openapi.json", "/metrics", "/api/docs", "/api/openapi.json"):
        assert proxy.administrator.get(path).status_code == 404, path
        assert proxy.reader.get(path).status_code in {403, 404}, path
    assert proxy.administrator.get("/api/flow_runs/" + proxy.run_id).status_code == 200
    page = proxy.administrator.get("/", headers={"Accept": "text/html"}, follow_redirects=True)
    assert page.headers["server"] == "nginx"
    assert "max-age" in page.headers["strict-transport-security"]
    assert proxy.administrator.get("/ui-settings").json()["auth"] is None


def test_the_documented_addresses_are_closed_to_all_others() -> None:
    """Both servers name who may come in, and close to the rest."""
    text = (DEPLOY / "nginx_prefect.conf").read_text()
    assert text.count("deny all;\n\n") == text.count("\nserver {") == 2
