"""The deployments `resolve-order` and `replay-orders` on the command line, without a Prefect server."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from sqlalchemy import Engine

from commands.config import SetupConfig, read_config
from tillbridge.clients.sftp import SftpClient
from tillbridge.counting import counted
from tillbridge.errors import ConfigurationProblem, TillbridgeError
from tillbridge.handover.replaying import Replayed, Selection, hand_over_again
from tillbridge.ingestion.replaying import choose as till_files
from tillbridge.invoicing.ledger.hands import Decision, Statement
from tillbridge.invoicing.replaying import choose as invoicing_files
from tillbridge.invoicing.resolving import endpoint_of, in_words, resolve_orders
from tillbridge.profile import Profile

Config = Annotated[Path, Parameter(help="The TOML file of this installation.")]
ProfileName = Annotated[str, Parameter(help="The profile, where there are several.")]
By = Annotated[str, Parameter(help="Your name, for the log.")]
Reason = Annotated[str, Parameter(help="Why, in a sentence, for the log. No customer data.")]
Orders = Annotated[list[str] | None, Parameter(help="Order number or order id; may be repeated.")]
Files = Annotated[list[str] | None, Parameter(help="Name of a file; may be repeated.")]
FromTime = Annotated[
    datetime | None, Parameter(help="Files that came in at or after this time (UTC).")
]
ThruTime = Annotated[datetime | None, Parameter(help="Files that came in before this time (UTC).")]
DryRun = Annotated[bool, Parameter(help="Only show what would be done; --no-dry-run does it.")]


def resolve_order(
    *orders: Annotated[str, Parameter(help="Order numbers.")],
    config: Config,
    decision: Annotated[Decision, Parameter(help="What shall become of them.")],
    by: By,
    reason: Reason,
    evidence: Annotated[str, Parameter(help="What you saw in Retail Pro that shows it.")],
    invoice: Annotated[
        list[str] | None,
        Parameter(help="For invoiced: the invoice number, once for each order, in their order."),
    ] = None,
    worker_is_gone: Annotated[
        bool, Parameter(help="A worker that vanished while it sent the order is certainly stopped.")
    ] = False,
    other_is_void: Annotated[
        bool, Parameter(help="The invoice under the order's other number was voided in Retail Pro.")
    ] = False,
    profile: ProfileName = "tillbridge",
    dry_run: DryRun = True,
) -> None:
    """Carry out a person's decision about orders; by default only show what it would do."""
    with _explained():
        settings = read_config(config)
        rules = profile_of(settings, profile)
        resolutions = resolve_orders(
            settings.database.get_engine(),
            rules.product_store_id,
            orders,
            decision,
            Statement(by, reason, evidence, worker_is_gone, other_is_void),
            invoice or [],
            endpoint_of(settings.retail_pro),
            dry_run=dry_run,
        )
    for one in resolutions:
        print(f"{one.order_no}: {one.refusal or f'{one.before} -> {one.after}'}")
    print(in_words(resolutions, dry_run=dry_run))
    if any(one.refusal for one in resolutions):
        sys.exit(1)


def replay_orders(
    *,
    config: Config,
    by: By,
    reason: Reason,
    order: Orders = None,
    file: Files = None,
    from_time: FromTime = None,
    thru_time: ThruTime = None,
    profile: ProfileName = "tillbridge",
    dry_run: DryRun = True,
) -> None:
    """Hand archived or quarantined files over again; by default only show which."""
    selection = Selection(order or (), file or (), _aware(from_time), _aware(thru_time))
    _replay(invoicing_files, config, profile, selection, by, reason, dry_run=dry_run)


def replay_tlogs(
    *,
    config: Config,
    by: By,
    reason: Reason,
    order: Orders = None,
    file: Files = None,
    from_time: FromTime = None,
    thru_time: ThruTime = None,
    profile: ProfileName = "tillbridge",
    dry_run: DryRun = True,
) -> None:
    """Have archived or quarantined TLogs read again; by default only show which."""
    selection = Selection(order or (), file or (), _aware(from_time), _aware(thru_time))
    _replay(till_files, config, profile, selection, by, reason, dry_run=dry_run)


def _replay(
    choose: Callable[[Engine, SftpClient, Profile, Selection], list[Replayed]],
    config: Path,
    profile: str,
    selection: Selection,
    by: str,
    reason: str,
    *,
    dry_run: bool,
) -> None:
    with _explained():
        if selection.is_empty:
            raise ConfigurationProblem("choose --order, --file, --from-time or --thru-time")
        settings = read_config(config)
        rules = profile_of(settings, profile)
        engine = settings.database.get_engine()
        with settings.sftp.get_client() as sftp:
            chosen = choose(engine, sftp, rules, selection)
            if not dry_run:
                hand_over_again(engine, sftp, chosen, by, reason)
    for one in chosen:
        print(f"{one.name} -> {one.folder}")
    what = "would be handed over again (dry run)" if dry_run else "handed over again"
    print(f"{counted(len(chosen), 'file')} {what}.")
    if not chosen:
        sys.exit(1)


def profile_of(settings: SetupConfig, name: str) -> Profile:
    """Give a profile by name.

    Raises:
        ConfigurationProblem: there is none of that name.
    """
    if name not in settings.profiles:
        raise ConfigurationProblem(f"no profile {name!r}; there are {', '.join(settings.profiles)}")
    return settings.profiles[name]


def _aware(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


@contextmanager
def _explained() -> Iterator[None]:
    """End with the sentence of a problem instead of a traceback."""
    try:
        yield
    except TillbridgeError as problem:
        sys.exit(str(problem))
