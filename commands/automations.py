"""What the Prefect server does by itself for this installation, and for no other flow on the same server.

An automation belongs to tillbridge: set-up brings it up to date. Whether it is switched on is the
operator's; one that was switched off in the UI stays off.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from uuid import UUID

from prefect.automations import AutomationCore, EventTrigger, Posture
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState, SendNotification
from prefect.exceptions import ObjectNotFound

from blocks import MailNotification
from commands.config import SetupConfig
from commands.work_pool import HEARTBEAT_SECONDS
from tillbridge.errors import ConfigurationProblem

_RUN = {"prefect.resource.id": ["prefect.flow-run.*"]}
_OF_OUR_DEPLOYMENTS = {
    "prefect.resource.role": "tag",
    "prefect.resource.id": "prefect.tag.tillbridge",
}
"""Heartbeats name no work pool, so runs are known by the tag that each of our deployments has."""

_VANISHED = "tillbridge: a run whose worker vanished has crashed"
_FAILED = "tillbridge: mail failed and crashed runs"
_KEPT_ASIDE = "tillbridge: mail TLogs that were kept aside"


def keep_automations(
    client: SyncPrefectClient,
    config: SetupConfig,
    mail: MailNotification,
    say: Callable[[str], None],
) -> None:
    """Make the automations that are wanted, bring known ones up to date, and delete those that are not wanted.

    Raises:
        ConfigurationProblem: the second channel names a block that is not stored.
    """
    channels = [
        client.read_block_document_by_name(config.name, mail.get_block_type_slug()).id,
        *_second_channel(client, config),
    ]
    for name, wanted in _wanted(config, channels).items():
        known = client.read_automations_by_name(name)
        if wanted is None:
            for one in known:
                client.delete_automation(one.id)
            continue
        if not known:
            client.create_automation(wanted)
            continue
        first, *doubles = known
        # Prefect's client sends only what was set, and its server then misses the defaults.
        complete = wanted.model_dump(exclude={"owner_resource"}) | {"enabled": first.enabled}
        client.update_automation(first.id, AutomationCore.model_validate(complete))
        for one in doubles:
            client.delete_automation(one.id)
        if not first.enabled:
            say(f"automations: {name!r} stays switched off")


def _second_channel(client: SyncPrefectClient, config: SetupConfig) -> list[UUID]:
    """Find the block that is told beside the mail, because a mail about a mail server may not arrive."""
    if config.alerts.second_channel is None:
        return []
    kind, _, name = config.alerts.second_channel.partition("/")
    try:
        return [client.read_block_document_by_name(name, kind).id]
    except ObjectNotFound:
        raise ConfigurationProblem(
            f"alerts.second_channel names the block {config.alerts.second_channel!r}, which is not stored; "
            "make it in the Prefect UI under Blocks, or take the line out"
        ) from None


def _wanted(config: SetupConfig, channels: Sequence[UUID]) -> dict[str, AutomationCore | None]:
    """Say which automations there should be; None for one that should not be there."""
    return {
        _VANISHED: AutomationCore(
            name=_VANISHED,
            description="Frees the concurrency slot of a run that no longer sends heartbeats.",
            trigger=EventTrigger(
                after={"prefect.flow-run.heartbeat"},
                expect={"prefect.flow-run.*"},
                match=_RUN,
                match_related=_OF_OUR_DEPLOYMENTS,
                for_each={"prefect.resource.id"},
                posture=Posture.Proactive,
                threshold=1,
                within=timedelta(seconds=3 * HEARTBEAT_SECONDS),
            ),
            actions=[ChangeFlowRunState(state=StateType.CRASHED, message="The worker vanished.")],
        )
        if config.alerts.crashed_runs
        else None,
        _FAILED: AutomationCore(
            name=_FAILED,
            description="Tells the recipients of the failure report that a run did not do its job.",
            trigger=EventTrigger(
                expect={"prefect.flow-run.Failed", "prefect.flow-run.Crashed"},
                match=_RUN,
                match_related=_OF_OUR_DEPLOYMENTS,
                threshold=1,
                within=timedelta(0),
            ),
            actions=_tell(
                channels,
                "{{ flow.name }} {{ flow_run.state.name }}",
                "{{ flow_run.state.message or 'The run left no message.' }}\n\n"
                "{{ flow_run|ui_url or 'Run ' ~ flow_run.name ~ ' in the Prefect UI' }}",
            ),
        )
        if config.alerts.mail_failed_runs
        else None,
        _KEPT_ASIDE: AutomationCore(
            name=_KEPT_ASIDE,
            description="Tells the same people of what a till posted and the receiver could not hand on.",
            trigger=EventTrigger(
                expect={"tillbridge.tlog.kept-aside"}, threshold=1, within=timedelta(0)
            ),
            actions=_tell(
                channels,
                "TLogs were kept aside",
                "{{ event.payload.count }} in {{ event.resource.id }}: other content under a known order "
                "number (conflict/), or no TLog (refused/). The runbook is same-sale-other-content.",
            ),
        )
        if config.receiver is not None and config.alerts.mail_failed_runs
        else None,
    }


def _tell(channels: Sequence[UUID], subject: str, body: str) -> list[SendNotification]:
    return [
        SendNotification(block_document_id=channel, subject=subject, body=body)
        for channel in channels
    ]
