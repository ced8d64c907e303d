"""Makes a block's JSON schema once: Prefect asks for it again for every field of a block that it stores."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel

_made: dict[tuple[object, ...], str] = {}
"""Kept as text: it is read far faster than the nested dicts are copied."""


class SchemaOnce(BaseModel):
    """Mixed into every block, before `Block`."""

    @classmethod
    def model_json_schema(cls, *args: Any, **options: Any) -> dict[str, Any]:
        """Give the schema; whoever asks may change what is given."""
        wanted = (cls, *args, *sorted(options.items()))
        if wanted not in _made:
            _made[wanted] = json.dumps(super().model_json_schema(*args, **options))
        schema: dict[str, Any] = json.loads(_made[wanted])
        return schema
