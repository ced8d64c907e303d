"""Every block, for Prefect's own processes: its server sends alerts with a block that nobody has asked for.

The entry point `prefect.collections` names this module; `blocks` itself loads a block when it is asked for.
"""

from __future__ import annotations

from blocks.mail_notification import MailNotification
from blocks.order_database import OrderDatabase
from blocks.product_store_profile import ProductStoreProfile
from blocks.retail_pro import RetailPro
from blocks.sftp_server import SftpServer
from blocks.till_receiver import TillReceiver

__all__ = [
    "MailNotification",
    "OrderDatabase",
    "ProductStoreProfile",
    "RetailPro",
    "SftpServer",
    "TillReceiver",
]
