"""The OpenAPI document is true: schemathesis holds the real process to it with all its checks."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Route

from tests.fixtures_receiver import CLIENTS, TOKEN, RunningReceiver
from tillbridge.receiver import openapi
from tillbridge.receiver.app import Receiver
from tillbridge.receiver.metrics import Metrics
from tillbridge.receiver.problems import PROBLEMS
from tillbridge.receiver.settings import ReceiverSettings

Start = Callable[..., RunningReceiver]


def settings(**changes: Any) -> ReceiverSettings:
    return ReceiverSettings.model_validate({"clients": CLIENTS, **changes})


def keys(value: Any) -> Iterator[str]:
    """Give the names of all members at any depth."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner)


def test_the_document_is_served_unless_it_is_switched_off(start_receiver: Start) -> None:
    """What is served is what is made here, and with the setting off nothing is."""
    receiver = start_receiver()
    served = receiver.http.get(f"{receiver.url}/openapi.json").json()
    assert served == openapi.document(settings(), served["info"]["version"])
    quiet = start_receiver(options={"serve_openapi": False})
    assert quiet.http.get(f"{quiet.url}/openapi.json").status_code == 404
    assert quiet.http.get(f"{quiet.url}/docs").status_code == 404


def test_the_document_has_every_route_and_no_other() -> None:
    """With the same methods, whether the document itself is served or not."""
    nothing: Any = None
    for served in (True, False):
        chosen = settings(serve_openapi=served)
        receiver = Receiver(
            chosen, nothing, nothing, Metrics([]), nothing, lambda: None, lambda: None, version="1"
        )
        routes = {
            (route.path, method.lower())
            for route in receiver.app(nothing).routes
            if isinstance(route, Route)
            for method in (route.methods or set()) - {"HEAD"}
        }
        paths = openapi.document(chosen, "1")["paths"]
        assert routes == {(path, method) for path, methods in paths.items() for method in methods}


def test_no_success_looks_like_a_failure_to_predictspring() -> None:
    """Neither of the two members that would do that is in any schema."""
    found = set(keys(openapi.document(settings(), "1")))
    assert not {name for name in found if name.lower() in {"errorcode", "errormessage"}}


def test_every_problem_is_described() -> None:
    """Every status of the table of problems stands at an operation, but those of no operation."""
    described = set()
    for operations in openapi.document(settings(), "1")["paths"].values():
        for operation in operations.values():
            described |= set(operation["responses"])
    assert {str(problem.status) for problem in PROBLEMS.values()} - described == {"405", "500"}


SCHEMATHESIS = """
[auth.openapi.bearer]
bearer = "{token}"

[checks]
# What a schema cannot say (how deep, how long) is refused as well, and other content under a known number.
positive_data_acceptance.expected-statuses = ["2xx", "401", "404", "409", "422"]
"""


@pytest.mark.parametrize("ack", ["sftp", "inbox"])
def test_schemathesis(start_receiver: Start, tmp_path: Path, ack: str) -> None:
    """Valid and invalid requests, methods, credentials: no answer that the document does not know."""
    receiver = start_receiver(options={"ack": ack})
    config = tmp_path / "schemathesis.toml"
    config.write_text(SCHEMATHESIS.format(token=TOKEN))
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config)),
        *("run", f"{receiver.url}/openapi.json", "--checks", "all", "--max-examples", "60"),
        *("--phases", "examples,coverage,fuzzing", "--no-color", "--seed", "1"),
        *("--generation-deterministic",),
    ]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=170, cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert not re.search(r'status="5', receiver.metrics())
