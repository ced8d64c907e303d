"""Loads stored blocks by name, with an error that says what to do when one is not there."""

from __future__ import annotations

import re
from typing import Annotated, TypeVar

from prefect.blocks.core import Block
from pydantic import Field

from tillbridge.errors import ConfigurationProblem

B = TypeVar("B", bound=Block)

BlockName = Annotated[str, Field(pattern="^[a-z0-9-]+$")]
"""The name of a stored block, as Prefect allows it."""


def load(kind: type[B], name: str) -> B:
    """Load the block `name` of this kind, as it is stored now.

    Raises:
        ConfigurationProblem: there is none, or a setting in it is missing or wrong.
    """
    # A name becomes a part of an address, where other characters would have a meaning of their own.
    if not re.fullmatch("[a-z0-9-]+", name):
        raise ConfigurationProblem(
            f"{name!r} cannot be the name of the {kind.get_block_type_slug()} block: small letters, digits and "
            "dashes only. Run `prefect block ls` to see the names"
        )
    try:
        block = kind.load(name, _sync=True)  # type: ignore[call-arg]
    except (ValueError, RuntimeError) as problem:
        # The text of a validation error quotes what was entered, which may be a secret.
        raise ConfigurationProblem(
            f"the {kind.get_block_type_slug()} block {name!r} cannot be used: it is not there, or a "
            "setting in it is missing or wrong. Run `tillbridge setup`, or open it in the UI and save it"
        ) from (problem if "Unable to find block document" in str(problem) else None)
    assert isinstance(block, kind)  # noqa: S101 - Prefect types it as either a block or a coroutine
    return block
