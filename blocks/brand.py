"""Joins a profile to the database and the far ends that it names, so that a run is given the profile alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import blocks
from blocks.loading import load
from blocks.product_store_profile import ProductStoreProfile

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from blocks import MailNotification, RetailPro
    from tillbridge.clients.sftp import SftpClient


@dataclass(frozen=True, slots=True)
class Brand:
    """A brand's profile, and what the profile names; each is loaded when it is asked for."""

    profile: ProductStoreProfile

    def get_engine(self) -> Engine:
        """Open the brand's database.

        Raises:
            ConfigurationProblem: the block cannot be used, or the schema is of another version.
        """
        return load(blocks.OrderDatabase, self.profile.order_database).get_engine()

    def get_sftp_client(self) -> SftpClient:
        """Give a client for the brand's SFTP server; use it in a `with` block.

        Raises:
            ConfigurationProblem: the block cannot be used.
        """
        return load(blocks.SftpServer, self.profile.sftp_server).get_client()

    def load_retail_pro(self) -> RetailPro:
        """Load the settings of the brand's Retail Pro.

        Raises:
            ConfigurationProblem: the block cannot be used.
        """
        return load(blocks.RetailPro, self.profile.retail_pro)

    def load_mail_notification(self) -> MailNotification:
        """Load the settings of the brand's mail.

        Raises:
            ConfigurationProblem: the block cannot be used.
        """
        return load(blocks.MailNotification, self.profile.mail_notification)


def load_brand(profile: str) -> Brand:
    """Load a brand by the name of its profile, as it is stored now.

    Raises:
        ConfigurationProblem: there is no such profile, or a setting in it is missing or wrong.
    """
    return Brand(load(ProductStoreProfile, profile))
