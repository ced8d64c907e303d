"""prefect.yaml says what it seems to say: Prefect ignores keys it does not know without a word."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect import Flow
from prefect.cli.deploy import _models as known
from prefect.events.schemas.deployment_triggers import DeploymentEventTrigger

from tasks.waiting_runs import cancel_waiting_runs

ROOT = Path(__file__).parents[2]
PREFECT = yaml.safe_load((ROOT / "prefect.yaml").read_text())
REFERENCE = (ROOT / "docs/reference/flows-and-deployments.md").read_text()


@pytest.mark.parametrize("stanza", PREFECT["deployments"], ids=lambda stanza: stanza["name"])
def test_deployment(stanza: dict[str, Any]) -> None:
    """No key is misspelt, the flow can be imported, and form and reference explain each parameter."""
    assert {*stanza} <= {*known.DeploymentConfig.model_fields}
    assert {*stanza["work_pool"]} <= {*known.WorkPoolConfig.model_fields}
    assert {*stanza["concurrency_limit"]} <= {*known.ConcurrencyLimitSpec.model_fields}
    assert all(stanza[name] for name in ("description", "tags", "enforce_parameter_schema"))
    for schedule in stanza["schedules"]:
        read = known.RawScheduleConfig.model_validate(schedule)
        assert read.cron
        assert read.timezone
        assert f"`{read.cron}`" in (ROOT / "README.md").read_text()
    for trigger in stanza.get("triggers", []):
        assert {*trigger} <= {*DeploymentEventTrigger.model_fields}
        DeploymentEventTrigger.model_validate(trigger)
    module, _, name = stanza["entrypoint"].rpartition(".")
    flow = getattr(import_module(module), name)
    assert isinstance(flow, Flow)
    assert flow.name == stanza["name"]
    assert f"## {flow.name}\n" in REFERENCE
    # Runs by hand are never cancelled; the others take all there is.
    assert (cancel_waiting_runs in flow.on_running_hooks) == bool(stanza["schedules"])
    for parameter, schema in flow.parameters.properties.items():
        assert schema.get("description"), f"{parameter} has no description"
        assert f"`{parameter}`" in REFERENCE


def test_prefect_file() -> None:
    """The rest of prefect.yaml holds nothing that Prefect would ignore."""
    assert {*PREFECT} <= {*known.PrefectYamlModel.model_fields, "prefect-version", "definitions"}
