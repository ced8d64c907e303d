"""Blocks of the configuration against those that are stored: made where there is none, compared where there is.

A password or folder that was changed in the UI since set-up last ran is the newer one; the file does not
put the old one back unless it is told to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from prefect.blocks.core import Block
from prefect.client.orchestration import SyncPrefectClient
from prefect.exceptions import ObjectNotFound
from pydantic import BaseModel, Secret, SecretBytes, SecretStr

from commands.last_setup import LastSetup
from tillbridge.errors import ConfigurationProblem

B = TypeVar("B", bound=Block)

_SECRETS = (Secret, SecretStr, SecretBytes)


@dataclass(frozen=True, slots=True)
class BlockKeeper:
    """Stores blocks, and says what it did. With `overwrite` the values of the file always win."""

    client: SyncPrefectClient
    last: LastSetup
    overwrite: bool
    say: Callable[[str], None]

    def keep(self, wanted: B, name: str) -> B:
        """Store a block under a name, or keep the one that people have changed since set-up stored it.

        Returns the block as it is stored now. What is kept is stored in the form of this version, so that
        the UI shows its new settings.

        Raises:
            ConfigurationProblem: the stored block cannot be read; it can only be overwritten.
        """
        what = f"{wanted.get_block_type_slug()}/{name}"
        stamp = self._stamp(wanted, name)
        if self.overwrite or stamp is None or self.last.is_of(what, stamp):
            return self._store(wanted, name, what)
        stored = _load(type(wanted), name, what)
        found = differences(stored, wanted)
        if not found:
            return self._store(wanted, name, what)
        for difference in found:
            self.say(f"{what}: kept as it is stored. {difference}")
        _save(stored, name)
        return stored

    def _store(self, wanted: B, name: str, what: str) -> B:
        _save(wanted, name)
        self.last.keep(what, self._stamp(wanted, name))
        return wanted

    def _stamp(self, block: Block, name: str) -> object:
        try:
            kind = block.get_block_type_slug()
            return self.client.read_block_document_by_name(
                name, kind, include_secrets=False
            ).updated
        except ObjectNotFound:
            return None


def differences(stored: BaseModel, wanted: BaseModel) -> list[str]:
    """Say field by field where two blocks of a kind differ; of a secret only that it does.

    Blocks inside of blocks are left out, for they are stored under names of their own.
    """
    return list(_compared("", stored, wanted))


def _compared(field: str, stored: Any, wanted: Any) -> Iterator[str]:
    if isinstance(stored, BaseModel) and isinstance(wanted, BaseModel):
        for name in type(wanted).model_fields:
            theirs, ours = getattr(stored, name, None), getattr(wanted, name)
            if not isinstance(ours, Block):
                yield from _compared(f"{field}.{name}".lstrip("."), theirs, ours)
    elif isinstance(stored, Mapping) and isinstance(wanted, Mapping):
        for key in sorted({*stored, *wanted}, key=str):
            yield from _compared(f"{field}.{key}", stored.get(key), wanted.get(key))
    elif _plain(stored) == _plain(wanted):
        return
    elif _holds_secret(stored) or _holds_secret(wanted):
        yield f"{field}: another secret is stored than the file has."
    else:
        yield f"{field}: {_shown(stored)} is stored, the file says {_shown(wanted)}."


def _plain(value: Any) -> Any:
    if isinstance(value, _SECRETS):
        return value.get_secret_value()
    if isinstance(value, BaseModel):
        return {name: _plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return value


def _holds_secret(value: Any) -> bool:
    if isinstance(value, BaseModel):
        return any(_holds_secret(getattr(value, name)) for name in type(value).model_fields)
    if isinstance(value, Mapping):
        return any(map(_holds_secret, value.values()))
    if isinstance(value, (list, tuple, set, frozenset)):
        return any(map(_holds_secret, value))
    return isinstance(value, _SECRETS)


def _shown(value: Any) -> str:
    return "nothing" if value is None else repr(value)


def _save(block: Block, name: str) -> None:
    block.save(name, overwrite=True, _sync=True)  # type: ignore[call-arg]


def _load(kind: type[B], name: str, what: str) -> B:
    try:
        return kind.load(name, _sync=True)  # type: ignore[call-arg, return-value]
    except (ValueError, RuntimeError):
        # The text of a validation error quotes what was entered, which may be a secret.
        raise ConfigurationProblem(
            f"the stored block {what} cannot be read: a setting in it is missing or wrong. Mend it in the UI, "
            "or run `tillbridge setup` with --overwrite to store the one of the file"
        ) from None
