"""Runs that wait behind one which takes all there is; with a real Prefect server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.states import Scheduled

from tasks.waiting_runs import cancel_waiting_runs


@pytest.mark.usefixtures("prefect_server")
def test_a_run_cancels_those_that_waited_when_it_began() -> None:
    """Of the same deployment with the same parameters; what comes later is a run of its own."""

    @flow(name="takes-all", on_running=[cancel_waiting_runs])
    def takes_all(profile: str = "tillbridge") -> None:
        pass

    now = datetime.now(UTC)
    with get_client(sync_client=True) as client:
        deployments = [
            client.create_deployment(client.create_flow(takes_all), name) for name in ("one", "two")
        ]

        def ask(deployment: int, at: datetime, **parameters: Any) -> Any:
            state = Scheduled(scheduled_time=at)
            made = client.create_flow_run_from_deployment(
                deployments[deployment], parameters=parameters, state=state
            )
            return made.id

        late = [ask(0, now - timedelta(minutes=number)) for number in range(5)]
        others = [
            ask(0, now - timedelta(minutes=9), profile="guatemala"),
            ask(0, now + timedelta(hours=1)),
            ask(1, now - timedelta(minutes=9)),
        ]
        run = client.read_flow_run(late[0])

        cancel_waiting_runs(takes_all, run, run.state)  # type: ignore[arg-type]

        states = [client.read_flow_run(one).state for one in late]
        assert {state.type.value for state in states if state} == {"CANCELLED"}
        assert all("takes all there is" in str(state.message) for state in states if state)
        kept = [client.read_flow_run(one).state for one in others]
        assert {state.type.value for state in kept if state} == {"SCHEDULED"}
