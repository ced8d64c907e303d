"""Set-up beside people and other teams: it keeps what was changed, and touches nothing that is not ours."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import yaml
from prefect.events.related import tags_as_related_resources
from prefect.server.events.schemas.automations import EventTrigger
from prefect.server.events.schemas.events import ReceivedEvent
from prefect.workers.process import ProcessWorker
from pydantic import SecretStr

from blocks import RetailPro, SftpServer
from commands.automations import _VANISHED
from commands.config import read_config
from commands.deploying import require_own_packages
from commands.setup import set_up
from commands.work_pool import up_to_date
from sandbox.platform import Platform
from tests.fixtures_prefect import Installation
from tillbridge.errors import ConfigurationProblem

BIN = Path(sys.executable).parent
ROOT = Path(__file__).parents[2]


def again(installation: Installation, *, overwrite: bool = False) -> str:
    """Set up again; returns what it said."""
    said: list[str] = []
    set_up(read_config(installation.config), said.append, overwrite=overwrite)
    return "\n".join(said)


def change(installation: Installation, old: str, new: str) -> None:
    """Change the file."""
    text = installation.config.read_text(encoding="utf-8")
    assert old in text
    installation.config.write_text(text.replace(old, new), encoding="utf-8")


def test_what_was_changed_in_the_ui_stays(installation: Installation) -> None:
    """Each field that differs is said, of a secret only that it does; the file wins when it is told to."""
    endpoint = RetailPro.load("tillbridge", _sync=True)
    endpoint.credential_mode = "bearer"
    endpoint.token = SecretStr("rotated-yesterday")
    endpoint.deadline = 11
    endpoint.save("tillbridge", overwrite=True, _sync=True)
    change(installation, "[retail_pro]\n", '[retail_pro]\ntoken = "of-the-file"\n')

    said = again(installation)

    assert "retail-pro/tillbridge: kept as it is stored. deadline: 11.0 is stored, the" in said
    assert "the file says 10.0." in said
    assert "token: another secret is stored than the file has." in said
    assert "rotated-yesterday" not in said
    assert "of-the-file" not in said
    kept = RetailPro.load("tillbridge", _sync=True)
    assert kept.token is not None
    assert (kept.token.get_secret_value(), kept.deadline) == ("rotated-yesterday", 11)
    assert "kept as it is stored" not in again(installation, overwrite=True)
    assert RetailPro.load("tillbridge", _sync=True).deadline == 10


def test_a_mended_file_counts_when_nobody_changed_the_block(installation: Installation) -> None:
    """Who mends a slip in the file and runs set-up again needs no switch."""
    change(installation, "[sftp]\n", "[sftp]\noperation_timeout = 12\n")

    assert "kept as it is stored" not in again(installation)

    assert SftpServer.load("tillbridge", _sync=True).operation_timeout == 12


def test_a_pool_is_brought_up_to_date_and_its_limit_kept(
    prefect_server: Platform, installation: Installation
) -> None:
    """No run form offers a command or a folder of the worker's machine, also in a pool of an older version."""
    pool = prefect_server.api("GET", "/work_pools/tillbridge")
    template = pool["base_job_template"]
    template["variables"]["properties"] |= {
        "command": {"type": "string"},
        "mine": {"type": "string"},
    }
    template["variables"]["properties"]["env"]["default"] = {"MINE": "1"}
    template["job_configuration"]["command"] = "{{ command }}"
    prefect_server.api(
        "PATCH",
        "/work_pools/tillbridge",
        {"base_job_template": template, "concurrency_limit": 7},
    )

    said = again(installation)

    assert "work-pool/tillbridge: the template of its jobs was brought up to date" in said
    assert "concurrency_limit: 7 is stored, the file says 4" in said
    pool = prefect_server.api("GET", "/work_pools/tillbridge")
    variables = pool["base_job_template"]["variables"]["properties"]
    assert {"mine", "env"} <= set(variables)
    assert not {"command", "working_dir"} & set(variables)
    assert not {"command", "working_dir"} & set(pool["base_job_template"]["job_configuration"])
    assert variables["env"]["default"] == {
        "MINE": "1",
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
        "PYTHONPATH": "",
    }
    assert pool["concurrency_limit"] == 7
    again(installation, overwrite=True)
    assert prefect_server.api("GET", "/work_pools/tillbridge")["concurrency_limit"] == 4


def test_runs_of_another_team_are_none_of_our_business(
    prefect_server: Platform, installation: Installation
) -> None:
    """Their failed run mails nobody, ours does; their run that falls silent is not set to Crashed."""
    _fail(prefect_server, "theirs", ["ours-too", "hourly"])
    _fail(prefect_server, "ours", ["tillbridge", "invoicing"])

    give_up_at = time.monotonic() + 60
    while not installation.far_ends.inbox.messages() and time.monotonic() < give_up_at:
        time.sleep(0.2)
    mails = installation.far_ends.inbox.messages()
    assert [mail["Subject"] for mail in mails] == ["ours Failed"]
    body = mails[0].get_body().get_content()  # type: ignore[union-attr]
    assert "ours did not do its job" in body
    assert "None" not in body
    vanished = prefect_server.api("POST", "/automations/filter", {"limit": 200})
    trigger = next(one["trigger"] for one in vanished if one["name"] == _VANISHED)
    rule = EventTrigger.model_validate(trigger)
    for event in ("prefect.flow-run.heartbeat", "prefect.flow-run.Running"):
        assert rule.covers(_event(event, {"tillbridge", "invoicing"}))
        assert not rule.covers(_event(event, {"ours-too"}))
        assert not rule.covers(_event(event, set()))


def test_an_automation_that_was_switched_off_stays_off(
    prefect_server: Platform, installation: Installation
) -> None:
    """Whether it acts is the operator's; how it acts comes with the version."""
    stored = _automation(prefect_server)
    prefect_server.api("PATCH", f"/automations/{stored['id']}", {"enabled": False})

    said = again(installation)

    assert f"automations: {_VANISHED!r} stays switched off" in said
    now = _automation(prefect_server)
    assert not now["enabled"]
    assert now["trigger"]["match_related"] == stored["trigger"]["match_related"]
    prefect_server.api("PATCH", f"/automations/{stored['id']}", {"enabled": True})


def test_a_deploy_leaves_schedules_and_triggers_as_people_set_them(
    prefect_server: Platform, planned_runs: int
) -> None:
    """What was paused, moved or switched on in the UI stays, and is said; the rest of the file counts."""
    name = "transform-completed-orders"
    before = _deployment(prefect_server, name)
    path = f"/deployments/{before['id']}"
    (schedule,) = before["schedules"]
    moved = {"schedule": {"cron": "33 * * * *", "timezone": "UTC"}, "active": False}
    prefect_server.api("PATCH", f"{path}/schedules/{schedule['id']}", moved)
    prefect_server.api(
        "PATCH", path, {"description": "changed", "parameters": {"profile": "guatemala"}}
    )
    found = prefect_server.api("POST", "/automations/filter", {"limit": 200})
    (trigger,) = [one for one in found if one["name"] == f"{name}__automation_1"]
    prefect_server.api("PATCH", f"/automations/{trigger['id']}", {"enabled": True})

    said = prefect_server.run("tillbridge", "deploy")

    after = _deployment(prefect_server, name)
    assert after["parameters"] == {"profile": "guatemala"}
    assert after["description"] != "changed"
    (kept,) = after["schedules"]
    assert (kept["schedule"]["cron"], kept["active"]) == ("33 * * * *", False)
    found = prefect_server.api("POST", "/automations/filter", {"limit": 200})
    assert [one["enabled"] for one in found if one["name"] == f"{name}__automation_1"] == [True]
    for sentence in (
        "Schedule 'hourly', cron: '33 * * * *' is stored, the file says '5 * * * *'.",
        "Schedule 'hourly', active: False is stored, the file says True.",
        "It has parameters of its own: profile.",
        "Its trigger is switched on.",
    ):
        assert f"{name}: kept as it is on the server. {sentence}" in said
    prefect_server.api("PATCH", f"/deployments/{after['id']}", {"parameters": {}})
    for one in found:
        if one["name"] == f"{name}__automation_1":
            prefect_server.api("PATCH", f"/automations/{one['id']}", {"enabled": False})


def test_a_deploy_takes_out_parameters_that_a_flow_no_longer_has(
    prefect_server: Platform, planned_runs: int, tmp_path: Path
) -> None:
    """As of a version whose flows took the names of blocks; named, without what they were set to."""
    name = "find-missing-sales"
    before = _deployment(prefect_server, name)
    path = f"/deployments/{before['id']}"
    (schedule,) = before["schedules"]
    old = {"days": 5, "retail_pro": "hunter2", "database": "tillbridge"}
    schema = {**before["parameter_openapi_schema"], "additionalProperties": True}
    prefect_server.api("PATCH", path, {"parameters": old, "parameter_openapi_schema": schema})
    of_a_brand = {"profile": "guatemala", "sftp_server": "guatemala"}
    prefect_server.api("PATCH", f"{path}/schedules/{schedule['id']}", {"parameters": of_a_brand})

    said = prefect_server.run("tillbridge", "deploy", "--prefect-file", _stanza(tmp_path, name))

    after = _deployment(prefect_server, name)
    assert after["parameters"] == {"days": 5}
    assert [one["parameters"] for one in after["schedules"]] == [{"profile": "guatemala"}]
    gone = "no longer a parameter of this flow, taken out:"
    assert f"{name}: {gone} database, retail_pro." in said
    assert f"{name}, schedule 'hourly': {gone} sftp_server." in said
    assert "hunter2" not in said
    prefect_server.api("PATCH", f"{path}/schedules/{schedule['id']}", {"parameters": {}})
    prefect_server.api("PATCH", path, {"parameters": {}})


def test_a_deploy_stops_at_a_parameter_past_the_limits(
    prefect_server: Platform, planned_runs: int, tmp_path: Path
) -> None:
    """Before anything is deployed, and without falling back to a default that nobody chose."""
    name = "find-missing-sales"
    path = f"/deployments/{_deployment(prefect_server, name)['id']}"
    stored = {"parameters": {"days": -5}, "enforce_parameter_schema": False, "description": "old"}
    prefect_server.api("PATCH", path, stored)

    with pytest.raises(RuntimeError, match="stored for days is past the limits") as refused:
        prefect_server.run("tillbridge", "deploy", "--prefect-file", _stanza(tmp_path, name))

    assert "-5" not in str(refused.value)
    assert _deployment(prefect_server, name)["description"] == "old"
    prefect_server.api("PATCH", path, {"parameters": {}, "enforce_parameter_schema": True})


def test_a_parameter_that_a_flow_does_not_have_is_refused(
    prefect_server: Platform, planned_runs: int
) -> None:
    """A slip of the keyboard is told in the form and in the API, and begins no run."""
    for name in ("invoice-orders", "resolve-order"):
        deployment = _deployment(prefect_server, name)
        answer = httpx.post(
            f"{prefect_server.ui_url}/api/deployments/{deployment['id']}/create_flow_run",
            json={"parameters": {"profil": "guatemala"}},
            timeout=60,
        )
        assert answer.status_code == 409
        assert "'profil' was unexpected" in answer.text or "required" in answer.text
        form = httpx.post(
            f"{prefect_server.ui_url}/api/ui/schemas/validate",
            json={"schema": deployment["parameter_openapi_schema"], "values": {"profil": "x"}},
            timeout=60,
        )
        assert "'profil' was unexpected" in form.text
    with pytest.raises(RuntimeError, match="'profil'"):
        prefect_server.run(
            *("prefect", "deployment", "run", "invoice-orders/invoice-orders"),
            *("--param", "profil=guatemala"),
        )


def test_a_folder_with_packages_of_its_own_is_refused(tmp_path: Path) -> None:
    """Python would take them for tillbridge's, and run the wrong flows."""
    require_own_packages(tmp_path)
    (tmp_path / "flows").mkdir()
    with pytest.raises(ConfigurationProblem, match="has its own flows/"):
        require_own_packages(tmp_path)


def test_a_worker_in_such_a_folder_runs_our_flows(prefect_server: Platform, tmp_path: Path) -> None:
    """Also where its path leads to the others' packages."""
    run = _run_on_a_pool_of_its_own(prefect_server)
    for name in ("flows", "tasks", "blocks"):
        package = tmp_path / name / "__init__.py"
        package.parent.mkdir()
        package.write_text(f"print({f'the other {name}'!r}, flush=True)")

    worker = subprocess.run(
        [BIN / "prefect", "worker", "start", "--pool", "beside", "--run-once"],
        cwd=tmp_path,
        env={**prefect_server.environment, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    state = prefect_server.api("GET", f"/flow_runs/{run}")["state"]
    assert state["type"] == "FAILED", worker.stdout + worker.stderr
    assert "the product-store-profile block 'nobody' cannot be used" in state["message"]
    assert "the other flows" not in worker.stdout
    assert "the other tasks" not in worker.stdout


def _run_on_a_pool_of_its_own(platform: Platform) -> str:
    """Ask for a run that no other worker takes; returns its id."""
    template = up_to_date(ProcessWorker.get_default_base_job_template())
    pool = {"name": "beside", "type": "process", "base_job_template": template}
    platform.api("POST", "/work_pools/", pool)
    deployment = platform.api(
        "POST",
        "/deployments/",
        {
            "name": "beside",
            "flow_id": platform.api("POST", "/flows/", {"name": "find-missing-sales"})["id"],
            "entrypoint": "flows.find_missing_sales.find_missing_sales",
            "work_pool_name": "beside",
        },
    )
    asked = f"/deployments/{deployment['id']}/create_flow_run"
    return str(platform.api("POST", asked, {"parameters": {"profile": "nobody"}})["id"])


def _deployment(platform: Platform, name: str) -> dict[str, Any]:
    answer: dict[str, Any] = platform.api("GET", f"/deployments/name/{name}/{name}")
    return answer


def _stanza(folder: Path, name: str) -> str:
    """Write a file of this one deployment; returns its path."""
    document = yaml.safe_load((ROOT / "prefect.yaml").read_text())
    (stanza,) = [one for one in document["deployments"] if one["name"] == name]
    file = folder / "prefect.yaml"
    file.write_text(yaml.safe_dump({"pull": document["pull"], "deployments": [stanza]}))
    return str(file)


def _automation(platform: Platform) -> dict[str, Any]:
    found = platform.api("POST", "/automations/filter", {"limit": 200})
    (one,) = [one for one in found if one["name"] == _VANISHED]
    return one


def _fail(platform: Platform, name: str, tags: list[str]) -> None:
    flow = platform.api("POST", "/flows/", {"name": name})
    run = platform.api("POST", "/flow_runs/", {"flow_id": flow["id"], "tags": tags})
    state = {"type": "FAILED", "name": "Failed", "message": f"{name} did not do its job"}
    platform.api("POST", f"/flow_runs/{run['id']}/set_state", {"state": state, "force": True})


def _event(name: str, tags: set[str]) -> ReceivedEvent:
    return ReceivedEvent(
        occurred=datetime.now(UTC),
        event=name,
        resource={"prefect.resource.id": f"prefect.flow-run.{uuid4()}"},
        related=[one.model_dump() for one in tags_as_related_resources(tags)],
        id=uuid4(),
    )
