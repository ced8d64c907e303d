"""Loads stored blocks by name, with an error that says what to do when one is not there."""

from __future__ import annotations

from typing import TypeVar

from prefect.blocks.core import Block

from tillbridge.errors import ConfigurationProblem

B = TypeVar("B", bound=Block)


def load(kind: type[B], name: str) -> B:
    """Load the block `name` of this kind, as it is stored now.

    Raises:
        ConfigurationProblem: there is none, or a setting in it is missing or wrong.
    """
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
