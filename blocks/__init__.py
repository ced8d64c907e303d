"""Prefect blocks: settings and secrets that hand out a client. They hold no business rule."""

from prefect_email import EmailServerCredentials

from blocks.mail_notification import MailNotification
from blocks.order_database import OrderDatabase
from blocks.product_store_profile import ProductStoreProfile
from blocks.retail_pro import RetailPro
from blocks.sftp_server import SftpServer
from blocks.till_receiver import TillReceiver

__all__ = [
    "EmailServerCredentials",
    "MailNotification",
    "OrderDatabase",
    "ProductStoreProfile",
    "RetailPro",
    "SftpServer",
    "TillReceiver",
]
