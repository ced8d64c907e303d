"""Makes everything an installation needs, from one file. It may be run again at any time."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter
from prefect.client.orchestration import get_client

import blocks
from blocks import MailNotification, OrderDatabase, ProductStoreProfile, RetailPro, SftpServer
from commands.automations import keep_automations
from commands.config import SetupConfig, read_config, read_database
from commands.hands import Config
from commands.last_setup import LastSetup
from commands.server import require_server
from commands.stored_blocks import BlockKeeper
from commands.work_pool import keep_pool
from tillbridge.clients import mail
from tillbridge.clients.sftp import SftpClient
from tillbridge.database.grants import Roles, grants
from tillbridge.database.upgrading import upgrade
from tillbridge.errors import TillbridgeError, Unavailable
from tillbridge.invoicing.marker import folder_beside
from tillbridge.profile import Profile

_ROLES = Roles()
RoleName = Annotated[str, Parameter(help="With --print-grants: the name of this role.")]

_TEST_MAIL = (
    "This mail was asked for at set-up. Reports about orders and sales that need a person, and alerts about "
    "runs that did not do their job, come the same way."
)


def setup(
    *,
    config: Config,
    overwrite: Annotated[
        bool, Parameter(help="Let the file win over what was changed in the UI.", negative="")
    ] = False,
    send_test_mail: Annotated[
        bool, Parameter(help="Send the recipients of the reports a test message.", negative="")
    ] = False,
    print_grants: Annotated[
        bool,
        Parameter(
            help="Only print the SQL that gives PostgreSQL's roles their rights; nothing is connected to.",
            negative="",
        ),
    ] = False,
    owner_role: RoleName = _ROLES.owner,
    worker_role: RoleName = _ROLES.worker,
    receiver_role: RoleName = _ROLES.receiver,
) -> None:
    """Make the schema, the blocks, the work pool and the automations; safe to run again.

    What was changed in the UI since, and differs from the file, is said and kept.
    """
    try:
        if print_grants:
            url = read_database(config).url.get_secret_value()
            print(grants(url, Roles(owner_role, worker_role, receiver_role)), end="")
            return
        settings = read_config(config)
        require_server()
        reached = set_up(settings, print, overwrite=overwrite, send_test_mail=send_test_mail)
    except TillbridgeError as problem:
        sys.exit(str(problem))
    if not reached:
        sys.exit("Everything is stored, but not every far end could be reached; see above.")
    print("Next: tillbridge deploy, then prefect worker start --pool tillbridge")


def set_up(
    config: SetupConfig,
    say: Callable[[str], None],
    *,
    overwrite: bool = False,
    send_test_mail: bool = False,
) -> bool:
    """Make schema, blocks, work pool and automations; then try the far ends.

    A setting that is stored already and differs from the file is said and kept, unless `overwrite`.
    Returns whether every far end could be reached; what was made stays in any case.

    Raises:
        TillbridgeError: the database cannot be used.
    """
    with get_client(sync_client=True) as client:
        last = LastSetup.read(config.name)
        stored = _keep_blocks(config, BlockKeeper(client, last, overwrite, say))
        say(f"blocks: registered, and stored as {config.name!r}")
        keep_pool(client, config.pool, last, overwrite, say)
        last.store()
        # What runs use is what is stored, which people may have changed since.
        upgrade(config.owner_engine(stored.database))
        say("database: the schema is up to date")
        keep_automations(client, config, stored.mail, say)
        say("automations: up to date")
    for caution in (*stored.retail_pro.cautions, *stored.mail.server().cautions):
        say(f"take care: {caution}")
    checks: dict[str, Callable[[], object]] = {
        "Database": stored.database.get_engine,
        "SFTP": lambda: _try_sftp(stored, say),
        "Retail Pro": lambda: _try_retail_pro(stored, say),
        "Mail": lambda: _try_mail(stored.mail, say, send_test_mail=send_test_mail),
    }
    reached = [_tried(name, check, say) for name, check in checks.items()]
    return all(reached)


@dataclass(frozen=True, slots=True)
class _Stored:
    """The blocks of an installation as they are stored now."""

    database: OrderDatabase
    sftp: SftpServer
    retail_pro: RetailPro
    profiles: list[ProductStoreProfile]
    mail: MailNotification


def _keep_blocks(config: SetupConfig, keeper: BlockKeeper) -> _Stored:
    """Store every block that is not stored yet, and give what is stored."""
    credentials = keeper.keep(config.mail.server, config.name)
    if config.receiver is not None:
        keeper.keep(config.receiver, config.name)
    else:
        # Prefect registers a kind with the first block of it; this one can be made in the UI all the same.
        blocks.TillReceiver.register_type_and_schema()
    return _Stored(
        database=keeper.keep(config.database, config.name),
        sftp=keeper.keep(config.sftp, config.name),
        retail_pro=keeper.keep(config.retail_pro, config.name),
        profiles=[keeper.keep(profile, name) for name, profile in config.profiles.items()],
        mail=keeper.keep(config.mail_notification(credentials), config.name),
    )


def _try_sftp(stored: _Stored, say: Callable[[str], None]) -> None:
    with stored.sftp.get_client() as client:
        for profile in stored.profiles:
            _make_folders(client, profile)
        for sentence in client.probe():
            say(f"SFTP: {sentence}")


def _make_folders(client: SftpClient, profile: Profile) -> None:
    places = ("processing", "archive", "quarantine")
    folders = (
        profile.completed_orders_folder,
        profile.order_to_invoice_folder,
        *profile.tills.folders,
    )
    client.make_folders(
        [f"{folder}/{place}" for folder in folders for place in places]
        + [f"{profile.order_to_invoice_folder}/responses"]
        + [folder_beside(profile.order_to_invoice_folder)]
    )


def _try_retail_pro(stored: _Stored, say: Callable[[str], None]) -> None:
    with stored.retail_pro.get_client() as client:
        say(f"Retail Pro: {client.check()}")


def _try_mail(
    notification: MailNotification, say: Callable[[str], None], *, send_test_mail: bool
) -> None:
    server = notification.server()
    place = f"{server.host}:{server.port}"
    if not send_test_mail:
        mail.check(server)
        say(f"Mail: {place} lets us in. A test message is sent with --send-test-mail.")
        return
    delivery = notification.send("tillbridge: a test message", _TEST_MAIL)
    if without := (*delivery.refused, *delivery.put_off):
        raise Unavailable(f"the mail server {place} did not take the mail for {', '.join(without)}")
    say(f"Mail: {place} took a test message for {', '.join(notification.recipients)}.")


def _tried(name: str, check: Callable[[], object], say: Callable[[str], None]) -> bool:
    try:
        check()
    except TillbridgeError as problem:
        say(f"{name}: NOT usable yet. {problem}")
        return False
    return True
