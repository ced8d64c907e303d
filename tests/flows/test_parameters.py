"""What a run form and Prefect's API refuse: every limit of a flow's parameters reaches the deployed schema."""

from __future__ import annotations

import inspect
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect import Flow
from prefect.utilities.callables import parameter_schema
from prefect.utilities.schema_tools.validation import ValidationError, validate
from pydantic import TypeAdapter
from pydantic.fields import FieldInfo

ROOT = Path(__file__).parents[2]
ENTRYPOINTS = {
    stanza["name"]: stanza["entrypoint"]
    for stanza in yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
}
DECISION = {
    "decision": "cancel",
    "evidence": "not there",
    "reason": "asked the store",
    "by": "Mara",
}
REPLAY = {"reason": "it is mended", "by": "Mara"}


def flow_of(name: str) -> Flow[..., Any]:
    module, _, function = ENTRYPOINTS[name].rpartition(".")
    flow: Flow[..., Any] = getattr(import_module(module), function)
    return flow


def schema_of(name: str) -> dict[str, Any]:
    """Give what `prefect deploy` tells the server of a flow's parameters."""
    return parameter_schema(flow_of(name)).model_dump(exclude_unset=True)


@pytest.mark.parametrize("name", ENTRYPOINTS)
def test_every_limit_is_in_the_deployed_schema(name: str) -> None:
    """Prefect keeps those of the annotation; those of a default value are lost without a word."""
    schema = schema_of(name)
    for parameter, given in inspect.signature(flow_of(name).fn, eval_str=True).parameters.items():
        default = given.default
        assert not (isinstance(default, FieldInfo) and default.metadata), (
            f"{parameter}: a limit in a default value is not in force"
        )
        wanted = TypeAdapter(given.annotation).json_schema()
        deployed = schema["properties"][parameter]
        if reference := deployed.get("$ref"):
            deployed = schema["definitions"][reference.rpartition("/")[2]]
        for limit in {*wanted} - {"title", "description", "$defs"}:
            assert deployed.get(limit) == wanted[limit], f"{parameter}: {limit}"


def test_a_run_is_given_the_profile_and_no_other_block() -> None:
    """So no wrong word in a form sends an order elsewhere, or takes a guard away."""
    for name in ENTRYPOINTS:
        named = {*schema_of(name)["properties"]}
        assert "profile" in named
        assert not named & {"retail_pro", "sftp_server", "database", "mail_notification"}


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("find-missing-sales", {"days": -5}),
        ("find-missing-sales", {"days": 10**9}),
        ("check-control-totals", {"days": 0}),
        ("check-control-totals", {"days": 61}),
        ("export-completed-orders", {"orders_per_feed": 0}),
        ("export-completed-orders", {"completed_from": "yesterday"}),
        ("export-completed-orders", {"completed_from": "2026-11-22T00:00:00"}),
        ("replay-orders", REPLAY | {"from_time": "0001-01-01T00:00:00Z"}),
        ("invoice-orders", {"profile": "a/b"}),
        ("invoice-orders", {"profile": ""}),
        ("invoice-orders", {"profile": "tillbridge?include_secrets=false"}),
        ("replay-orders", REPLAY | {"by": ""}),
        ("replay-orders", REPLAY | {"by": " "}),
        ("replay-orders", REPLAY | {"reason": "why"}),
        ("replay-orders", REPLAY | {"orders": [""]}),
        ("replay-tlogs", {"reason": "it is mended"}),
        ("resolve-order", DECISION | {"orders": []}),
        ("resolve-order", DECISION | {"orders": ["1"], "decision": "forget"}),
        ("resolve-order", DECISION | {"orders": ["1"], "evidence": ""}),
        ("resolve-order", DECISION | {"orders": ["1"], "by": "M" * 61}),
    ],
)
def test_what_is_past_a_limit_is_refused(name: str, parameters: dict[str, Any]) -> None:
    """By Prefect's own check, as its API does before there is a run."""
    with pytest.raises(ValidationError):
        validate(parameters, schema_of(name), raise_on_error=True)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("find-missing-sales", {"days": 400}),
        ("check-control-totals", {"days": 1, "profile": "guatemala"}),
        ("export-completed-orders", {"completed_from": "2026-11-22T00:00:00+00:00"}),
        ("replay-orders", REPLAY | {"orders": ["1"], "from_time": "2026-11-22T00:00:00.000Z"}),
        ("resolve-order", DECISION | {"orders": ["1"]}),
        *(
            (name, {})
            for name in ENTRYPOINTS
            if name not in {"resolve-order", "replay-orders", "replay-tlogs"}
        ),
    ],
)
def test_what_is_within_the_limits_is_taken(name: str, parameters: dict[str, Any]) -> None:
    """So the test above refuses for the right reasons."""
    assert validate(parameters, schema_of(name), raise_on_error=True) == []
