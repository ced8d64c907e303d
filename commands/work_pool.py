"""The work pool of an installation: made, or brought up to date without undoing what people changed."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.exceptions import ObjectNotFound
from prefect.workers.process import ProcessWorker

from commands.config import PoolSection
from commands.last_setup import LastSetup
from tillbridge.counting import counted

HEARTBEAT_SECONDS = 30
_HEARTBEATS = {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT_SECONDS)}
_OUR_PACKAGES = {"PYTHONPATH": ""}
"""So no run takes a `flows/` or `tasks/` of another project, which the worker's path may lead to, for ours."""
_CODE_OF_A_RUN = ("command", "working_dir")
"""Variables with which a run form could start any program in any folder of the worker's machine."""


def keep_pool(
    client: SyncPrefectClient,
    pool: PoolSection,
    last: LastSetup,
    overwrite: bool,
    say: Callable[[str], None],
) -> None:
    """Make the pool, or bring it up to date; a limit that was changed in the UI stays unless `overwrite`."""
    what, wanted = f"work-pool/{pool.name}", pool.concurrency_limit
    try:
        stored = client.read_work_pool(pool.name)
    except ObjectNotFound:
        client.create_work_pool(
            WorkPoolCreate(
                name=pool.name,
                type="process",
                base_job_template=up_to_date(ProcessWorker.get_default_base_job_template()),
                concurrency_limit=wanted,
            )
        )
        limit: int | None = wanted
    else:
        is_ours = overwrite or last.is_of(what, stored.concurrency_limit)
        limit = wanted if is_ours else stored.concurrency_limit
        template = up_to_date(stored.base_job_template)
        if template != stored.base_job_template:
            say(f"{what}: the template of its jobs was brought up to date")
        client.update_work_pool(
            pool.name, WorkPoolUpdate(base_job_template=template, concurrency_limit=limit)
        )
    say(
        f"work pool: {pool.name}, {'any number of runs' if limit is None else counted(limit, 'run')} at a time"
    )
    if limit == wanted:
        last.keep(what, limit)
    else:
        say(
            f"{what}: kept as it is stored. concurrency_limit: {limit} is stored, the file says {wanted}."
        )


def up_to_date(template: dict[str, Any]) -> dict[str, Any]:
    """Give a pool's template with the environment of this version and without a way to run other programs.

    A path that people gave their runs stays. A run whose worker vanished is only noticed by the heartbeats
    it no longer sends.
    """
    changed = deepcopy(template)
    variables = changed.setdefault("variables", {}).setdefault("properties", {})
    environment = variables.setdefault("env", {"type": "object", "title": "Environment Variables"})
    environment["default"] = {**_OUR_PACKAGES, **(environment.get("default") or {}), **_HEARTBEATS}
    for name in _CODE_OF_A_RUN:
        variables.pop(name, None)
        changed.get("job_configuration", {}).pop(name, None)
    return changed
