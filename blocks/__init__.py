"""Prefect blocks: settings and secrets that hand out a client. They hold no business rule.

A block's module is loaded when its name is first asked for: a flow run that sends no mail need not wait
for what mailing imports.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prefect_email import EmailServerCredentials

    from blocks.mail_notification import MailNotification
    from blocks.order_database import OrderDatabase
    from blocks.product_store_profile import ProductStoreProfile
    from blocks.retail_pro import RetailPro
    from blocks.sftp_server import SftpServer
    from blocks.till_receiver import TillReceiver

_MODULES = {
    "EmailServerCredentials": "prefect_email",
    "MailNotification": "blocks.mail_notification",
    "OrderDatabase": "blocks.order_database",
    "ProductStoreProfile": "blocks.product_store_profile",
    "RetailPro": "blocks.retail_pro",
    "SftpServer": "blocks.sftp_server",
    "TillReceiver": "blocks.till_receiver",
}

__all__ = [
    "EmailServerCredentials",
    "MailNotification",
    "OrderDatabase",
    "ProductStoreProfile",
    "RetailPro",
    "SftpServer",
    "TillReceiver",
]


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    # What `prefect block register` goes by.
    return sorted({*globals(), *_MODULES})
