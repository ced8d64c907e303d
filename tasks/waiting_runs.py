"""Cancels the runs that wait behind one which takes all there is: they would find nothing left to do.

Prefect's own CANCEL_NEW cancels each run that comes while one is going on, and with it the only one that would
take what has come in since that one began. Here the run that begins cancels what was asked for before it began.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from prefect import Flow, State
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.states import Cancelled

_AT_ONCE = 200


def cancel_waiting_runs(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Cancel all runs of the same deployment and parameters that are due and wait, when `flow_run` begins."""
    if flow_run.deployment_id is None:
        return
    waiting = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED])),
        expected_start_time=FlowRunFilterExpectedStartTime(before_=datetime.now(UTC)),
    )
    deployment = DeploymentFilter(id=DeploymentFilterId(any_=[flow_run.deployment_id]))
    message = f"{flow_run.name} takes all there is; nothing would be left for this run."
    offset = 0
    with get_client(sync_client=True) as client:
        while found := client.read_flow_runs(
            flow_run_filter=waiting, deployment_filter=deployment, limit=_AT_ONCE, offset=offset
        ):
            for one in found:
                if one.parameters == flow_run.parameters:
                    client.set_flow_run_state(one.id, Cancelled(message=message))
                else:
                    offset += 1
