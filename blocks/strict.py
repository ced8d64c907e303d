"""Refuses misspelt settings: Prefect's blocks take any key and would ignore it without a word."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, model_validator


class StrictSettings(BaseModel):
    """Mixed into every block, before `Block`."""

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_settings(cls, values: Any) -> Any:
        known = {*cls.model_fields, "block_type_slug"}
        unknown = [key for key in values if key not in known and not key.startswith("_block_")]
        if unknown:
            raise ValueError(
                f"unknown settings {unknown}; the settings are {list(cls.model_fields)}"
            )
        return values
