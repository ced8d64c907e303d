"""What is known about one HTTP request, as facts; what they mean is for the rules to say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Stage = Literal["not_sent", "sent_no_answer", "answered"]


class Posting(NamedTuple):
    """What one POST carries: its exact bytes, and the key by which the server knows them again."""

    body: bytes
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what came back of it.

    `not_sent`: provably no byte of it reached the server, or the server refused what did for its
    credential. `sent_no_answer`: some of it may have arrived. `answered`: a status came back; with
    `body_complete` False its body is only the beginning. `retry_after` is in seconds. `problem` is for
    people and holds no secret. `configuration` says that only a person can mend it.
    """

    stage: Stage
    status: int | None = None
    retry_after: float | None = None
    body: bytes = b""
    body_complete: bool = False
    problem: str | None = None
    configuration: bool = False
    headers: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
