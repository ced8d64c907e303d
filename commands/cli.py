"""The `tillbridge` command line."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from prefect.client.orchestration import get_client
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import get_current_settings

from commands import hands, restore
from commands.config import read_config
from commands.setup import set_up
from tillbridge.errors import ConfigurationProblem, TillbridgeError

app = App(
    name="tillbridge",
    help="Integration of HotWax Commerce, Retail Pro and PredictSpring.",
    version=version("tillbridge"),
)


for command in (
    hands.resolve_order,
    hands.replay_orders,
    hands.replay_tlogs,
    restore.after_restore,
    restore.end_restore,
):
    app.command(command)


@app.command
def setup(
    *, config: Annotated[Path, Parameter(help="The TOML file of this installation.")]
) -> None:
    """Make the schema, the blocks, the work pool and the automations; safe to run again."""
    try:
        settings = read_config(config)
        _require_server()
        reached = set_up(settings, print)
    except TillbridgeError as problem:
        sys.exit(str(problem))
    if not reached:
        sys.exit("Everything is stored, but not every far end could be reached; see above.")
    print("Next: prefect deploy --all, then prefect worker start --pool tillbridge")


def _require_server() -> None:
    """Make sure of the Prefect server; without an address Prefect would quietly start one of its own.

    Raises:
        ConfigurationProblem: there is no address, nobody answers there, or we are not let in.
    """
    address = get_current_settings().api.url
    if not address:
        raise ConfigurationProblem(
            "PREFECT_API_URL is not set; set it to your Prefect server, such as http://127.0.0.1:4200/api"
        )
    try:
        with get_client(sync_client=True) as client:
            client.raise_for_api_version_mismatch()
    except (PrefectHTTPStatusError, RuntimeError) as problem:
        raise ConfigurationProblem(
            f"the Prefect server at {address} cannot be used; check that it runs, PREFECT_API_URL and "
            "PREFECT_API_AUTH_STRING"
        ) from problem


if __name__ == "__main__":
    app()
