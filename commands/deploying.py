"""Deploys from the folder of prefect.yaml without putting back what people changed on the server."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import yaml
from cyclopts import Parameter
from prefect.client.orchestration import get_client

import flows
from commands.deployed import keep_what_is_deployed, refuse_unknown_parameters
from commands.server import require_server
from tillbridge.errors import ConfigurationProblem

_OURS = ("flows", "tasks", "blocks", "commands", "tillbridge")


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

    Where a schedule, a parameter or a trigger's switch differs from the file, that is said. Parameters
    that a flow no longer has are taken out, and refused from then on.
    """
    try:
        require_own_packages(Path.cwd())
        require_server()
        document = _read(prefect_file)
        with get_client(sync_client=True) as client:
            if not overwrite:
                _print(keep_what_is_deployed(client, document))
            if status := _deploy(document):
                sys.exit(status)
            _print(refuse_unknown_parameters(client, document))
    except ConfigurationProblem as problem:
        sys.exit(str(problem))


def _print(sentences: Iterable[str]) -> None:
    for sentence in sentences:
        print(sentence)


def _deploy(document: dict[str, Any]) -> int:
    """Let Prefect deploy; gives its exit status."""
    with tempfile.TemporaryDirectory() as folder:
        # JSON is YAML, too.
        file = Path(folder) / "prefect.yaml"
        file.write_text(json.dumps(document), encoding="utf-8")
        command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
        return subprocess.run([*command, "--prefect-file", str(file)], check=False).returncode  # noqa: S603 - our own interpreter


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


def _read(file: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as problem:
        raise ConfigurationProblem(f"{file} cannot be read: {problem.strerror}") from problem
    except yaml.YAMLError as problem:
        raise ConfigurationProblem(f"{file} is not YAML: {problem}") from problem
    return document
