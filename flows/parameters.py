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


def reason() -> Any:
    """Give the parameter for why a person does something; it is written into the log."""
    return Field(min_length=5, description="Why, in a sentence, for the log. No customer data.")


def by() -> Any:
    """Give the parameter for the name of the person."""
    return Field(min_length=1, max_length=60, description="Your name, for the log.")


def dry_run(what: str) -> Any:
    """Give the parameter that keeps a form from doing anything until it is switched off."""
    return Field(default=True, title="Dry run", description=what)


def send_now() -> Any:
    """Give the parameter that sends reports at once."""
    return Field(
        default=False, description="Send everything that is new or waits for its next try at once."
    )
