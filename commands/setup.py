"""Makes everything an installation needs, from one file. It may be run again at any time."""

from __future__ import annotations

import sys
from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta
from typing import Any, TypeVar

from prefect.automations import Automation, EventTrigger, Posture
from prefect.blocks.core import Block
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState, SendNotification
from prefect.exceptions import ObjectNotFound
from prefect.workers.process import ProcessWorker

import blocks
from commands.config import PoolSection, SetupConfig, read_config
from commands.hands import Config
from commands.server import require_server
from tillbridge.clients.sftp import SftpClient
from tillbridge.database.engine import connect
from tillbridge.database.upgrading import upgrade
from tillbridge.errors import TillbridgeError
from tillbridge.invoicing.marker import folder_beside
from tillbridge.profile import Profile

B = TypeVar("B", bound=Block)

HEARTBEAT_SECONDS = 30
_RUN = {"prefect.resource.id": ["prefect.flow-run.*"]}


def setup(*, config: Config) -> None:
    """Make the schema, the blocks, the work pool and the automations; safe to run again."""
    try:
        settings = read_config(config)
        require_server()
        reached = set_up(settings, print)
    except TillbridgeError as problem:
        sys.exit(str(problem))
    if not reached:
        sys.exit("Everything is stored, but not every far end could be reached; see above.")
    print("Next: prefect deploy --all, then prefect worker start --pool tillbridge")


def set_up(config: SetupConfig, say: Callable[[str], None]) -> bool:
    """Make schema, blocks, work pool and automations; then try the far ends.

    Returns whether every far end could be reached; what was made stays in any case.

    Raises:
        TillbridgeError: the database cannot be used.
    """
    upgrade(connect(config.database.url.get_secret_value()))
    say("database: the schema is up to date")
    mail = _save_blocks(config)
    say(f"blocks: registered, and stored as {config.name!r}")
    with get_client(sync_client=True) as client:
        _make_pool(client, config.pool)
        say(f"work pool: {config.pool.name}, {config.pool.concurrency_limit} runs at a time")
    _make_automations(config, mail)
    say("automations: made")
    mail_server = config.mail_notification(config.mail.server).server()
    for caution in (*config.retail_pro.cautions, *mail_server.cautions):
        say(f"take care: {caution}")
    checks = {
        "SFTP": lambda: _try_sftp(config, say),
        "Retail Pro": lambda: _try_retail_pro(config, say),
    }
    reached = [_tried(name, check, say) for name, check in checks.items()]
    return all(reached)


def _save_blocks(config: SetupConfig) -> Any:
    """Store every block; returns the id of the mail notification's document."""
    for name in blocks.__all__:
        getattr(blocks, name).register_type_and_schema()
    credentials = config.mail.server
    credentials.save(config.name, overwrite=True)
    for name, profile in config.profiles.items():
        profile.save(name, overwrite=True)
    for block in (config.database, config.sftp, config.retail_pro):
        block.save(config.name, overwrite=True)
    if config.receiver is not None:
        config.receiver.save(config.name, overwrite=True)
    return config.mail_notification(credentials).save(config.name, overwrite=True)


def _make_pool(client: SyncPrefectClient, pool: PoolSection) -> None:
    template = deepcopy(ProcessWorker.get_default_base_job_template())
    # A run whose worker vanished is only noticed by the heartbeats it no longer sends.
    template["variables"]["properties"]["env"]["default"] = {
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT_SECONDS)
    }
    try:
        client.read_work_pool(pool.name)
    except ObjectNotFound:
        client.create_work_pool(
            WorkPoolCreate(
                name=pool.name,
                type="process",
                base_job_template=template,
                concurrency_limit=pool.concurrency_limit,
            )
        )
    else:
        client.update_work_pool(pool.name, WorkPoolUpdate(concurrency_limit=pool.concurrency_limit))


def _make_automations(config: SetupConfig, mail_document_id: Any) -> None:
    wanted: dict[str, Automation | None] = {
        "tillbridge: a run whose worker vanished has crashed": Automation(
            name="tillbridge: a run whose worker vanished has crashed",
            description="Frees the concurrency slot of a run that no longer sends heartbeats.",
            trigger=EventTrigger(
                after={"prefect.flow-run.heartbeat"},
                expect={"prefect.flow-run.*"},
                match=_RUN,
                for_each={"prefect.resource.id"},
                posture=Posture.Proactive,
                threshold=1,
                within=timedelta(seconds=3 * HEARTBEAT_SECONDS),
            ),
            actions=[ChangeFlowRunState(state=StateType.CRASHED, message="The worker vanished.")],
        )
        if config.alerts.crashed_runs
        else None,
        "tillbridge: mail failed and crashed runs": Automation(
            name="tillbridge: mail failed and crashed runs",
            description="Tells the recipients of the failure report that a run did not do its job.",
            trigger=EventTrigger(
                expect={"prefect.flow-run.Failed", "prefect.flow-run.Crashed"},
                match=_RUN,
                threshold=1,
                within=timedelta(0),
            ),
            actions=[
                SendNotification(
                    block_document_id=mail_document_id,
                    subject="{{ flow.name }} {{ flow_run.state.name }}",
                    body="{{ flow_run.state.message }}\n\n{{ flow_run|ui_url }}",
                )
            ],
        )
        if config.alerts.mail_failed_runs
        else None,
        "tillbridge: mail TLogs that were kept aside": Automation(
            name="tillbridge: mail TLogs that were kept aside",
            description="Tells the same people of what a till posted and the receiver could not hand on.",
            trigger=EventTrigger(
                expect={"tillbridge.tlog.kept-aside"}, threshold=1, within=timedelta(0)
            ),
            actions=[
                SendNotification(
                    block_document_id=mail_document_id,
                    subject="TLogs were kept aside",
                    body=(
                        "{{ event.payload.count }} in {{ event.resource.id }}: other content under a known "
                        "order number (conflict/), or no TLog (refused/). The runbook is "
                        "same-sale-other-content."
                    ),
                )
            ],
        )
        if config.receiver is not None and config.alerts.mail_failed_runs
        else None,
    }
    for name, automation in wanted.items():
        with get_client(sync_client=True) as client:
            for known in client.read_automations_by_name(name):
                client.delete_automation(known.id)
        if automation is not None:
            automation.create()


def _try_sftp(config: SetupConfig, say: Callable[[str], None]) -> None:
    with config.sftp.get_client() as client:
        for profile in config.profiles.values():
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


def _try_retail_pro(config: SetupConfig, say: Callable[[str], None]) -> None:
    with config.retail_pro.get_client() as client:
        say(f"Retail Pro: {client.check()}")


def _tried(name: str, check: Callable[[], None], say: Callable[[str], None]) -> bool:
    try:
        check()
    except TillbridgeError as problem:
        say(f"{name}: NOT usable yet. {problem}")
        return False
    return True
