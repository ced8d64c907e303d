"""What one forked worker does: it scales the product's waits down, plants its crash, and runs a flow.

The flow is the product's own, against a real Prefect server. Nothing in the product knows of this.
"""

from __future__ import annotations

import faulthandler
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import import_module
from typing import Any, Literal

from proof import targets
from proof.crashes.planting import plant, replace

FLOWS = (
    "export-completed-orders",
    "transform-completed-orders",
    "invoice-orders",
    "report-invoice-failures",
)
"""The flows that a worker runs, in the order in which orders pass through them."""

MODULES = (
    *(f"flows.{name.replace('-', '_')}" for name in FLOWS),
    *("fastapi", "prefect.utilities.visualization", "anyio._backends._asyncio"),
)
"""What the nursery imports once for all workers."""

SCALED = {
    targets.SENDING_MARGIN: "0.5 s instead of 30 s",
    targets.CIRCUIT_CANARIES_TAKE_AT_MOST: "3 s instead of 15 min",
    targets.EXCHANGE_SLEEP: "no wait for files to stand still, instead of 2 s",
    targets.INVOICE_ORDERS_INVOICE_ORDER: "retries after 0.2, 0.5 and 1.5 s instead of 2, 5 and 15 s",
    targets.TASKS_FILES_TAKE_FILE: "retries after 0.1 s instead of 5 and 20 s",
    targets.EXPORT_COMPLETED_ORDERS_PUBLISH_FEED: "retries after 0.1 s instead of 5 and 20 s",
    targets.TASKS_REPORTS_MAIL_REPORT: "retries after 0.1 s instead of 10 and 60 s",
}
"""Waits of the product that a worker shortens, unless its job asks for the real ones."""

_IN_ITS_PLACE: dict[str, Callable[[Any], Any]] = {
    targets.SENDING_MARGIN: lambda _: timedelta(seconds=0.5),
    targets.CIRCUIT_CANARIES_TAKE_AT_MOST: lambda _: timedelta(seconds=3),
    targets.EXCHANGE_SLEEP: lambda _: lambda seconds: None,
    targets.INVOICE_ORDERS_INVOICE_ORDER: lambda task: task.with_options(
        retry_delay_seconds=[0.2, 0.5, 1.5]
    ),
    targets.TASKS_FILES_TAKE_FILE: lambda task: task.with_options(retry_delay_seconds=0.1),
    targets.EXPORT_COMPLETED_ORDERS_PUBLISH_FEED: lambda task: task.with_options(
        retry_delay_seconds=0.1
    ),
    targets.TASKS_REPORTS_MAIL_REPORT: lambda task: task.with_options(retry_delay_seconds=0.1),
}

_STUCK_SECONDS = 60
"""After so long a worker says in its log where it is."""


@dataclass(frozen=True)
class Job:
    """One run of a flow; `point` names a crash point, where the `hit`-th passage gets `signal`.

    With a `hit` of 0 none does, and each passage is only told.
    """

    flow: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    point: str | None = None
    hit: int = 1
    signal: Literal["SIGKILL", "SIGSTOP"] = "SIGKILL"
    real_waits: bool = False


def run(job: Job, say: Callable[[dict[str, Any]], None]) -> None:
    """Run the flow, and say its run id when it starts, each passage of the point, and how it ended."""
    faulthandler.dump_traceback_later(_STUCK_SECONDS)
    if not job.real_waits:
        for target, make in _IN_ITS_PLACE.items():
            replace(target, make)
    if job.point:
        plant(job.point, job.hit, job.signal, lambda number: say({"passed": number}))
    name = job.flow.replace("-", "_")
    flow = getattr(import_module(f"flows.{name}"), name).with_options(
        on_running=[lambda flow, flow_run, state: say({"run": str(flow_run.id)})]
    )
    state = flow(**job.parameters, return_state=True)
    say({"state": state.type.value, "message": (state.message or "")[:1500]})
