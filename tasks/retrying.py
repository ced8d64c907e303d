"""What Prefect may try again. Everything else ends the task run at once."""

from __future__ import annotations

from typing import Any

from prefect import Task
from prefect.client.schemas.objects import State, TaskRun

from tillbridge.errors import NotSent, Unavailable


def when_unavailable(task: Task[..., Any], task_run: TaskRun, state: State[Any]) -> bool:
    """Retry when a far end or the database was out of reach; a wrong setting does not mend itself."""
    return isinstance(state.result(raise_on_failure=False), Unavailable)


def when_not_sent(task: Task[..., Any], task_run: TaskRun, state: State[Any]) -> bool:
    """Retry only what provably had no effect in Retail Pro."""
    return isinstance(state.result(raise_on_failure=False), NotSent)
