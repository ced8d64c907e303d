"""The `tillbridge` command line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from commands.config import read_config
from commands.setup import set_up
from tillbridge.errors import TillbridgeError

app = App(name="tillbridge", help="Integration of HotWax Commerce, Retail Pro and PredictSpring.")


@app.command
def setup(
    *, config: Annotated[Path, Parameter(help="The TOML file of this installation.")]
) -> None:
    """Make the schema, the blocks, the work pool and the automations; safe to run again."""
    try:
        reached = set_up(read_config(config), print)
    except TillbridgeError as problem:
        sys.exit(str(problem))
    if not reached:
        sys.exit("Everything is stored, but not every far end could be reached; see above.")
    print("Next: prefect deploy --all, then prefect worker start --pool tillbridge")


if __name__ == "__main__":
    app()
