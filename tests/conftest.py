"""Fixtures live in modules of their own, one per far end."""

from hypothesis import settings

# How long an example takes depends on the machine and on what else it does; it decides no test.
settings.register_profile("tillbridge", deadline=None)
settings.load_profile("tillbridge")

pytest_plugins = [
    "tests.fixtures_database",
    "tests.fixtures_imports",
    "tests.fixtures_mail",
    "tests.fixtures_prefect",
    "tests.fixtures_receiver",
    "tests.fixtures_retail_pro",
    "tests.fixtures_sftp",
    "tests.golden",
]
