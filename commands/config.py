"""The file that `tillbridge setup` reads: one TOML document with a section for each block."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

from prefect_email import EmailServerCredentials
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from sqlalchemy import Engine

from blocks import (
    MailNotification,
    OrderDatabase,
    ProductStoreProfile,
    RetailPro,
    SftpServer,
    TillReceiver,
)
from blocks.loading import BlockName
from tillbridge.database.engine import connect
from tillbridge.errors import ConfigurationProblem

Address = Annotated[str, Field(pattern=r"^[^@]*<?[^@\s<>]+@[^@\s<>]+>?$")]
C = TypeVar("C", bound=BaseModel)

_NAMED = ("retail_pro", "sftp_server", "order_database", "mail_notification")
"""The settings of a profile that name a block."""


class DatabaseOwner(BaseModel):
    """Who makes and changes the tables, where that is another role than the flows'. It is stored nowhere."""

    model_config = ConfigDict(extra="forbid")

    url: SecretStr


class MailSection(BaseModel):
    """The mail server and who gets the reports."""

    model_config = ConfigDict(extra="forbid")

    server: EmailServerCredentials
    sender: Address
    recipients: list[Address] = Field(min_length=1)
    timeout_seconds: float = 30
    deadline_seconds: float = 120

    @field_validator("server", mode="before")
    @classmethod
    def _known_settings(cls, value: Any) -> Any:
        # Prefect's blocks take any key and would ignore a misspelt one.
        unknown = [key for key in value if key not in EmailServerCredentials.model_fields]
        if unknown:
            raise ValueError(f"unknown settings {unknown}")
        return value


class PoolSection(BaseModel):
    """The work pool the deployments run on."""

    model_config = ConfigDict(extra="forbid")

    name: str = "tillbridge"
    concurrency_limit: int = Field(default=4, ge=1, le=100)


class AlertSection(BaseModel):
    """Automations on the Prefect server."""

    model_config = ConfigDict(extra="forbid")

    crashed_runs: bool = True
    mail_failed_runs: bool = True
    second_channel: Annotated[str, Field(pattern="^[a-z0-9-]+/[a-z0-9-]+$")] | None = None


class SetupConfig(BaseModel):
    """One installation. `name` is what its blocks are stored under; profiles have their own names."""

    model_config = ConfigDict(extra="forbid")

    name: BlockName = "tillbridge"
    database: OrderDatabase
    database_owner: DatabaseOwner | None = None
    sftp: SftpServer
    retail_pro: RetailPro
    mail: MailSection
    profiles: dict[BlockName, ProductStoreProfile] = Field(min_length=1)
    receiver: TillReceiver | None = None
    pool: PoolSection = PoolSection()
    alerts: AlertSection = AlertSection()

    @field_validator("retail_pro")
    @classmethod
    def _no_secret_in_clear(cls, value: RetailPro) -> RetailPro:
        if value.clear_text_problem:
            raise ValueError(value.clear_text_problem)
        return value

    @model_validator(mode="after")
    def _profiles_name_the_blocks_of_this_file(self) -> Self:
        for key, profile in self.profiles.items():
            _name_blocks(key, profile, self.name)
        return self

    @model_validator(mode="after")
    def _folders_of_one_profile_each(self) -> Self:
        used = [
            folder
            for profile in self.profiles.values()
            for folder in (
                profile.completed_orders_folder,
                profile.order_to_invoice_folder,
                profile.tills.tlog_folder,
                profile.tills.end_of_day_folder,
                profile.tills.predictspring_variance_folder,
            )
        ]
        shared = sorted({folder for folder in used if used.count(folder) > 1})
        if shared:
            raise ValueError(f"profiles share the folders {shared}; each needs its own")
        return self

    @model_validator(mode="after")
    def _receiver_has_its_profile(self) -> Self:
        if self.receiver is not None and self.receiver.profile not in self.profiles:
            raise ValueError(f"receiver.profile is {self.receiver.profile!r}, which is no profile")
        return self

    def owner_engine(self, database: OrderDatabase) -> Engine:
        """Open the database to make or change its tables, whatever schema it has.

        Without an owner the role of the flows does that, too, and `database` is what they open.

        Raises:
            ConfigurationProblem: the URL cannot be used.
        """
        return connect((self.database_owner or database).url.get_secret_value())

    def mail_notification(self, credentials: EmailServerCredentials) -> MailNotification:
        """Build the notification block around stored credentials."""
        return MailNotification(
            credentials=credentials,
            sender=self.mail.sender,
            recipients=self.mail.recipients,
            timeout_seconds=self.mail.timeout_seconds,
            deadline_seconds=self.mail.deadline_seconds,
        )


def _name_blocks(key: str, profile: ProductStoreProfile, name: str) -> None:
    """Have a profile of a file name the blocks of the same file, which are stored under `name`."""
    for setting in _NAMED:
        if setting not in profile.model_fields_set:
            setattr(profile, setting, name)
        elif getattr(profile, setting) != name:
            raise ValueError(
                f"profiles.{key}.{setting} names another block than those of this file, which are stored as "
                f"{name!r}; leave it away, or give the profile a file with a name of its own"
            )


class ReceiverConfig(BaseModel):
    """What the receiver needs of an installation."""

    model_config = ConfigDict(extra="forbid")

    receiver: TillReceiver
    database: OrderDatabase
    sftp: SftpServer
    profile: ProductStoreProfile


class _ReceiverFile(ReceiverConfig):
    """The same, as it stands in a file."""

    name: BlockName = "tillbridge"

    @model_validator(mode="after")
    def _profile_names_the_blocks_of_this_file(self) -> Self:
        _name_blocks(self.receiver.profile, self.profile, self.name)
        return self


class _DatabaseFile(BaseModel):
    """Of a file only where the database is."""

    database: OrderDatabase


def read_config(path: Path) -> SetupConfig:
    """Read the file; `env:NAME` and `file:PATH` values are replaced by what they name.

    A relative PATH is taken from the folder of the file.

    Raises:
        ConfigurationProblem: with everything that is wrong, by section and setting, and no value.
    """
    return _validated(SetupConfig, path, _document(path))


def read_database(path: Path) -> OrderDatabase:
    """Read of the same file where the database is; no other secret need be there.

    Raises:
        ConfigurationProblem: as `read_config`.
    """
    document = _document(path)
    wanted = {name: document[name] for name in ("database",) if name in document}
    return _validated(_DatabaseFile, path, wanted).database


def read_receiver_config(path: Path) -> ReceiverConfig:
    """Read of the same file what the receiver needs; the secrets of the other sections need not be there.

    Raises:
        ConfigurationProblem: as `read_config`.
    """
    document = _document(path)
    wanted: dict[str, Any] = {
        name: document[name]
        for name in ("name", "receiver", "database", "sftp")
        if name in document
    }
    profiles = document.get("profiles", {})
    chosen = wanted.get("receiver", {}).get("profile", "tillbridge")
    if chosen in profiles:
        wanted["profile"] = profiles[chosen]
    return _validated(_ReceiverFile, path, wanted)


def _document(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise ConfigurationProblem(f"{path} cannot be read: {problem.strerror}") from problem
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise ConfigurationProblem(f"{path} is not TOML: {problem}") from problem


def _validated(kind: type[C], path: Path, document: Mapping[str, Any]) -> C:
    try:
        return kind.model_validate(_resolved(document, path.parent))
    except ValidationError as problem:
        lines = [
            f"  {'.'.join(str(part) for part in error['loc']) or 'file'}: {error['msg']}"
            for error in problem.errors(include_url=False, include_input=False)
        ]
        # The error itself quotes what was entered, which may be a secret.
        raise ConfigurationProblem("\n".join([f"{path} needs mending:", *lines])) from None


def _resolved(value: Any, folder: Path) -> Any:
    if isinstance(value, Mapping):
        return {key: _resolved(inner, folder) for key, inner in value.items()}
    if isinstance(value, list):
        return [_resolved(inner, folder) for inner in value]
    if isinstance(value, str) and value.startswith("env:"):
        name = value.removeprefix("env:")
        if name not in os.environ:
            raise ConfigurationProblem(f"the environment variable {name} is not set")
        return os.environ[name]
    if isinstance(value, str) and value.startswith("file:"):
        file = folder / value.removeprefix("file:")
        try:
            return file.read_text(encoding="utf-8").strip()
        except OSError as problem:
            raise ConfigurationProblem(f"{file} cannot be read: {problem.strerror}") from problem
        except UnicodeDecodeError as problem:
            raise ConfigurationProblem(f"{file} is not text; a key or a secret is") from problem
    return value
