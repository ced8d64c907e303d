"""Processes of their own that are forked from one which has loaded the product, instead of loading it again."""

from __future__ import annotations

import multiprocessing

processes = multiprocessing.get_context("forkserver")
# What is loaded is settled when the first of them starts, so all that ever are forked stand here.
processes.set_forkserver_preload(["commands.receiver", "proof.sftp.sharing", "proof.tlogs.worker"])
