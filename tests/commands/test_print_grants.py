"""`tillbridge setup --print-grants` prints SQL and does nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from commands.cli import app

FILE = """
[database]
url = "postgresql://tillbridge_worker@192.0.2.7/sales?password=hunter2"
[sftp]
password = "env:NOT_SET_ANYWHERE"
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file whose database nobody reaches, and no Prefect server."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    file = tmp_path / "tillbridge.toml"
    file.write_text(FILE)
    return file


def run(config: Path, *options: str) -> None:
    """Give the command as on the command line."""
    app(["setup", "--config", str(config), *options], result_action="return_value")


def test_it_prints_sql_and_connects_to_nothing(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No far end and no other section is needed; no password is in it, and it is one transaction."""
    run(config, "--print-grants", "--worker-role", "the flows")
    printed = capsys.readouterr().out
    assert 'GRANT USAGE ON SCHEMA public TO "the flows", "tillbridge_receiver";' in printed
    assert 'ON DATABASE "sales"' in printed
    assert "('invoice_event', 'the flows', 'SELECT, INSERT')" in printed
    assert "hunter2" not in printed
    assert "PASSWORD '" not in printed
    assert printed.count("\nBEGIN;\n") == printed.count("\nCOMMIT;\n") == 1


@pytest.mark.parametrize(
    ("url", "options", "said"),
    [
        ("sqlite:///x.db", [], "only PostgreSQL has roles"),
        ("postgresql://u@h", [], "only PostgreSQL has roles, and the url"),
        ("postgresql://u@h/d", ["--owner-role", "a$b"], "'a$b' cannot be used"),
        ("postgresql://u@h/d", ["--owner-role", ""], "'' cannot be used"),
        ("postgresql://u@h/d", ["--worker-role", "ä" * 32], "1 to 63 bytes"),
        ("postgresql://u@h/d", ["--receiver-role", "a\nb"], "cannot be used"),
        ("postgresql://u@h/d", ["--receiver-role", "tillbridge_worker"], "are three roles"),
        ("nonsense", [], "names no database"),
    ],
    ids=["sqlite", "no name", "dollar", "empty", "long", "line break", "one role twice", "no url"],
)
def test_what_cannot_be_is_refused_with_a_sentence(
    config: Path, url: str, options: list[str], said: str
) -> None:
    """Nothing is printed that an administrator could run by mistake."""
    config.write_text(f'[database]\nurl = "{url}"\n')
    with pytest.raises(SystemExit) as end:
        run(config, "--print-grants", *options)
    assert said in str(end.value.code)


def test_a_file_without_a_database_is_refused(config: Path) -> None:
    """It says which section is missing."""
    config.write_text("")
    with pytest.raises(SystemExit, match="database"):
        run(config, "--print-grants")
