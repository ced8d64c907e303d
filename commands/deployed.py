"""What stands on the server stays where people changed it; what no flow knows is taken out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import DeploymentUpdate
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import ObjectNotFound
from prefect.flows import load_flow_from_entrypoint
from prefect.utilities.callables import parameter_schema
from prefect.utilities.schema_tools.validation import validate

from tillbridge.errors import ConfigurationProblem

_SCHEDULE = ("cron", "timezone", "interval", "rrule", "active")


def keep_what_is_deployed(client: SyncPrefectClient, document: dict[str, Any]) -> Iterator[str]:
    """Take out of the file what would undo the server's schedules and parameters; say where they differ.

    Raises:
        ConfigurationProblem: a parameter that is stored is past a limit of its flow.
    """
    for wanted in document["deployments"]:
        stored = _stored(client, wanted)
        if stored is None:
            continue
        schema = _schema(wanted["entrypoint"])
        _require_limits(stored, schema)
        differing = list(_differences(stored, wanted, schema["properties"]))
        # Without a word about schedules Prefect leaves them alone.
        wanted.pop("schedules", None)
        wanted["parameters"] = stored.parameters
        for number, trigger in enumerate(wanted.get("triggers", ()), start=1):
            # The name that Prefect gives to a trigger without one.
            for known in client.read_automations_by_name(f"{wanted['name']}__automation_{number}"):
                if known.enabled != trigger["enabled"]:
                    differing.append(f"Its trigger is switched {'on' if known.enabled else 'off'}.")
                trigger["enabled"] = known.enabled
        for difference in differing:
            yield f"{wanted['name']}: kept as it is on the server. {difference}"


def refuse_unknown_parameters(
    client: SyncPrefectClient, document: Mapping[str, Any]
) -> Iterator[str]:
    """Let the server refuse a run with a parameter that its flow does not have.

    Such parameters that are stored, as of a version whose flow had them, are taken out and named; what
    they were set to is not said. Prefect's own deploy leaves the refusal out of the schema that it sends.
    """
    for wanted in document["deployments"]:
        stored = _stored(client, wanted)
        if stored is None or not stored.enforce_parameter_schema:
            continue
        schema = {**(stored.parameter_openapi_schema or {}), "additionalProperties": False}
        known = schema.get("properties", {})
        parameters, dropped = _divide(stored.parameters, known)
        if dropped:
            yield f"{stored.name}: {_dropped(dropped)}"
        client.update_deployment(
            stored.id, DeploymentUpdate(parameters=parameters, parameter_openapi_schema=schema)
        )
        for schedule in stored.schedules:
            parameters, dropped = _divide(schedule.parameters, known)
            if dropped:
                yield f"{stored.name}, schedule {schedule.slug!r}: {_dropped(dropped)}"
                client.update_deployment_schedule(stored.id, schedule.id, parameters=parameters)


def _stored(client: SyncPrefectClient, wanted: Mapping[str, Any]) -> DeploymentResponse | None:
    try:
        return client.read_deployment_by_name(f"{wanted['name']}/{wanted['name']}")
    except ObjectNotFound:
        return None


def _schema(entrypoint: str) -> dict[str, Any]:
    """Give the parameters of the flow as it is now, as Prefect tells the server of them."""
    return parameter_schema(load_flow_from_entrypoint(entrypoint)).model_dump(exclude_unset=True)


def _require_limits(stored: DeploymentResponse, schema: dict[str, Any]) -> None:
    """Hold the stored parameters to the limits of the flow, as the server will when it is deployed."""
    errors = validate(stored.parameters, schema, ignore_required=True)
    if names := sorted({str(error.path[0]) for error in errors if error.path}):
        raise ConfigurationProblem(
            f"{stored.name}: what is stored for {', '.join(names)} is past the limits of the flow. Edit the "
            "deployment's parameters in the Prefect UI, or let the file win with --overwrite. Nothing was "
            "deployed"
        )


def _differences(
    stored: DeploymentResponse, wanted: Mapping[str, Any], known: Mapping[str, Any]
) -> Iterator[str]:
    there = {one.slug or str(one.id): one for one in stored.schedules}
    ours = {one["slug"]: one for one in wanted.get("schedules", ())}
    for slug in {**there, **ours}:
        if slug not in there:
            yield f"The schedule {slug!r} of the file is not there."
        elif slug not in ours:
            yield f"The schedule {slug!r} is not in the file."
        else:
            is_now = there[slug].schedule.model_dump() | {"active": there[slug].active}
            for field in _SCHEDULE:
                if field in ours[slug] and is_now.get(field) != ours[slug][field]:
                    yield (
                        f"Schedule {slug!r}, {field}: {is_now.get(field)!r} is stored, the file says "
                        f"{ours[slug][field]!r}."
                    )
    kept, _ = _divide(stored.parameters, known)
    if kept != wanted.get("parameters", {}):
        yield f"It has parameters of its own: {', '.join(sorted(kept))}."


def _divide(given: Mapping[str, Any], known: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Give the parameters that are known, and the names of the others."""
    kept = {name: value for name, value in given.items() if name in known}
    return kept, sorted({*given} - {*kept})


def _dropped(names: list[str]) -> str:
    return f"no longer a parameter of this flow, taken out: {', '.join(names)}."
