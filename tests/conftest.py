"""Fixtures live in modules of their own, one per far end."""

pytest_plugins = [
    "tests.fixtures_database",
    "tests.fixtures_mail",
    "tests.fixtures_prefect",
    "tests.fixtures_retail_pro",
    "tests.fixtures_sftp",
    "tests.golden",
]
