"""The `tillbridge` command line.

A command's module is loaded when the command is given: whoever asks for help waits for no database
and no Prefect.
"""

from __future__ import annotations

from importlib.metadata import version

from cyclopts import App

app = App(
    name="tillbridge",
    help="Integration of HotWax Commerce, Retail Pro and PredictSpring.",
    version=lambda: version("tillbridge"),
)

# The texts are the first lines of the commands' docstrings.
app.command(
    "commands.setup:setup",
    help="Make the schema, the blocks, the work pool and the automations; safe to run again.",
)
app.command(
    "commands.deploying:deploy",
    help="Make or update every deployment; what people have changed on the server stays as it is.",
)
app.command(
    "commands.hands:resolve_order",
    help="Carry out a person's decision about orders; by default only show what it would do.",
)
app.command(
    "commands.hands:replay_orders",
    help="Hand archived or quarantined files over again; by default only show which.",
)
app.command(
    "commands.hands:replay_tlogs",
    help="Have archived or quarantined TLogs read again; by default only show which.",
)
app.command(
    "commands.restore:after_restore",
    help="Stop all sending, and put every order in doubt that may have been sent since the backup.",
)
app.command(
    "commands.restore:end_restore",
    help="Let orders be sent again; refused while one is still in doubt.",
)

if __name__ == "__main__":
    app()
