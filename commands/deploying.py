"""Deploys from the folder of prefect.yaml without putting back what people changed on the server."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import yaml
from cyclopts import Parameter
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import ObjectNotFound

import flows
from commands.server import require_server
from tillbridge.errors import ConfigurationProblem

_OURS = ("flows", "tasks", "blocks", "commands", "tillbridge")
_SCHEDULE = ("cron", "timezone", "interval", "rrule", "active")


def deploy(
    *,
    prefect_file: Annotated[Path, Parameter(help="The file of the deployments.")] = Path(
        "prefect.yaml"
    ),
    overwrite: Annotated[
        bool,
        Parameter(help="Let the file win over what was changed in the UI.", negative=""),
    ] = False,
) -> None:
    """Make or update every deployment; what people have changed on the server stays as it is.

    Where a schedule, a parameter or a trigger's switch differs from the file, that is said.
    """
    try:
        require_own_packages(Path.cwd())
        require_server()
        document = _read(prefect_file)
        if not overwrite:
            with get_client(sync_client=True) as client:
                for sentence in keep_what_is_deployed(client, document):
                    print(sentence)
    except ConfigurationProblem as problem:
        sys.exit(str(problem))
    with tempfile.TemporaryDirectory() as folder:
        # JSON is YAML, too.
        file = Path(folder) / "prefect.yaml"
        file.write_text(json.dumps(document), encoding="utf-8")
        command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
        sys.exit(subprocess.run([*command, "--prefect-file", str(file)], check=False).returncode)  # noqa: S603 - our own interpreter


def require_own_packages(folder: Path) -> None:
    """Make sure that Python, which looks into the current folder first, finds our packages and no others.

    Raises:
        ConfigurationProblem: the folder has a package of one of our names.
    """
    installed = Path(flows.__file__).parent.parent
    for name in _OURS:
        place = folder / name
        if place.exists() and not place.samefile(installed / name):
            raise ConfigurationProblem(
                f"the folder {folder} has its own {name}/, which Python would take for tillbridge's. Go to a "
                "folder of its own for tillbridge, with nothing but prefect.yaml in it"
            )


def keep_what_is_deployed(client: SyncPrefectClient, document: dict[str, Any]) -> Iterator[str]:
    """Take out of the file what would undo the server's schedules and parameters; say where they differ."""
    for wanted in document["deployments"]:
        try:
            stored = client.read_deployment_by_name(f"{wanted['name']}/{wanted['name']}")
        except ObjectNotFound:
            continue
        differing = list(_differences(stored, wanted))
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


def _differences(stored: DeploymentResponse, wanted: Mapping[str, Any]) -> Iterator[str]:
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
    if stored.parameters != wanted.get("parameters", {}):
        yield f"It has parameters of its own: {', '.join(sorted(stored.parameters))}."


def _read(file: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as problem:
        raise ConfigurationProblem(f"{file} cannot be read: {problem.strerror}") from problem
    except yaml.YAMLError as problem:
        raise ConfigurationProblem(f"{file} is not YAML: {problem}") from problem
    return document
