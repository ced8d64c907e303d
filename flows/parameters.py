"""What the flows share: parameters that say the same in every run form, and their task runner."""

from __future__ import annotations

from typing import Any

from prefect.task_runners import ThreadPoolTaskRunner
from pydantic import Field


def block_name(what: str) -> Any:
    """Give the parameter that names a stored block; it is loaded at every run, so edits need no deploy."""
    return Field(
        default="tillbridge",
        min_length=1,
        title=f"{what} block",
        description=f"Name of the {what} block to use.",
    )


def threads(number: int) -> Any:
    """Run tasks on so many threads; without a number Prefect would start one for each task."""
    return ThreadPoolTaskRunner(max_workers=number)
