"""Shapes that fields of several settings have. Their default and description stand with each field."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

Port = Annotated[int, Field(ge=1, le=65535)]
NotEmpty = Annotated[str, Field(min_length=1)]
BodyBytes = Annotated[int, Field(ge=1024, le=64 * 1024 * 1024)]
"""How long a body may be that is read into memory."""
Pointer = Annotated[str, Field(pattern=r"^(/.*)?$")]
"""A JSON pointer (RFC 6901)."""
FileMode = Annotated[str, Field(pattern="^0?[0-7]{3}$")]
"""Rights of files or folders, octal."""
