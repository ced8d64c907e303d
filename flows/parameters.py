"""What the flows share: parameters that say the same in every run form, and their task runner.

Prefect takes a parameter's limits from its annotation, and its description from its default.
"""

from __future__ import annotations

from typing import Annotated, Any

from prefect.task_runners import ThreadPoolTaskRunner
from pydantic import AwareDatetime, Field

from tillbridge.limits import LONGEST_NAME, SHORTEST_REASON

Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME, pattern=r"\S")]
"""The name of a person."""

Reason = Annotated[str, Field(min_length=SHORTEST_REASON)]
"""Why a person does something."""

Given = Annotated[str, Field(min_length=1)]
"""One of the names or numbers that a person gives."""

Time = Annotated[
    AwareDatetime,
    Field(
        json_schema_extra={
            "pattern": r"^(19[789]|2[0-9]{2})[0-9]-[0-9]{2}-[0-9]{2}[Tt ][0-9:.]+([Zz]|[+-][0-9:]{4,6})$"
        }
    ),
]
"""A time with its zone, as `tillbridge.limits` wants it; Prefect looks at patterns, not at formats."""


def profile() -> Any:
    """Give the parameter that names the brand's profile; it is loaded at every run, so edits need no deploy."""
    return Field(
        default="tillbridge",
        description="Name of the Product Store Profile block, which names all other blocks.",
    )


def threads(number: int) -> Any:
    """Run tasks on so many threads; without a number Prefect would start one for each task."""
    return ThreadPoolTaskRunner(max_workers=number)


def reason() -> Any:
    """Give the parameter for why a person does something; it is written into the log."""
    return Field(description="Why, in a sentence, for the log. No customer data.")


def by() -> Any:
    """Give the parameter for the name of the person."""
    return Field(description="Your name, for the log.")


def dry_run(what: str) -> Any:
    """Give the parameter that keeps a form from doing anything until it is switched off."""
    return Field(default=True, description=what)


def send_now() -> Any:
    """Give the parameter that sends reports at once."""
    return Field(
        default=False, description="Send everything that is new or waits for its next try at once."
    )
