"""What a process loads when it starts: only what it uses."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from commands.cli import app

pytestmark = pytest.mark.slow

FLOWS = sorted(
    path.stem for path in Path("flows").glob("*.py") if path.stem not in {"__init__", "parameters"}
)
# Polars compares stocks; mail and its templates belong to the reports.
HEAVY = {
    "alembic",
    "asyncssh",
    "jinja2",
    "paramiko",
    "polars",
    "prefect_email",
    "sandbox",
    "uvicorn",
}
USED = {
    "check_control_totals": set(),
    "reconcile_inventory": {"polars"},
    "report_invoice_failures": {"jinja2", "prefect_email"},
    "report_till_failures": {"jinja2", "prefect_email"},
    "resolve_order": set(),
}
SFTP = {"paramiko"}
# Each flow is loaded in a child that has Prefect's engine already, so that the engine is paid for once.
LOAD_EACH = """
import json, os, sys
import prefect.engine
loaded = {}
for flow in sys.argv[1:]:
    reader, writer = os.pipe()
    if not os.fork():
        before = set(sys.modules)
        __import__(f"flows.{flow}")
        new = {name.partition(".")[0] for name in set(sys.modules) - before}
        os.write(writer, json.dumps(sorted(new)).encode())
        os._exit(0)
    os.close(writer)
    loaded[flow] = json.loads(os.fdopen(reader).read())
    os.wait()
print(json.dumps(loaded))
"""


def test_a_flow_run_loads_only_what_it_uses() -> None:
    """A run of every few minutes does not wait for the tables, mails or migrations of others."""
    done = subprocess.run(
        [sys.executable, "-c", LOAD_EACH, *FLOWS], capture_output=True, text=True, check=True
    )
    loaded = {flow: HEAVY & set(names) for flow, names in json.loads(done.stdout).items()}
    assert loaded == {flow: USED.get(flow, SFTP) for flow in FLOWS}


def test_help_loads_neither_prefect_nor_a_database() -> None:
    """Whoever asks what the commands are is answered at once."""
    code = "import sys; from commands.cli import app; app(['--help'], result_action='return_value')"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; print(sorted(sys.modules))"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "replay-tlogs" in done.stdout
    loaded = done.stdout.splitlines()[-1]
    for package in ("prefect", "sqlalchemy", "pydantic", "httpx", "tillbridge"):
        assert f"'{package}'" not in loaded, package


@pytest.mark.parametrize("command", [name for name in app if not name.startswith("-")])
def test_help_says_of_a_command_what_the_command_says_of_itself(command: str) -> None:
    """The list of commands is written where none of them is loaded, and agrees with them all the same."""
    listed = app._commands[command]
    module, _, function = listed.import_path.partition(":")
    assert command == function.replace("_", "-")
    says = inspect.getdoc(getattr(import_module(module), function))
    assert says is not None
    assert says.splitlines()[0] == listed.help
