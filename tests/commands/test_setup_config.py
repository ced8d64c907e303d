"""The file of `tillbridge setup` says plainly what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from commands.config import SetupConfig, read_config
from tillbridge.errors import ConfigurationProblem

GOOD = """
[database]
url = "sqlite:///x.db"
[sftp]
host = "127.0.0.1"
user = "u"
password = "hunter2"
host_keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPkMgSMKzOpVp6yl3EEx2hB3zZ2q2Ld2mXJx7xJvKq1B"]
[retail_pro]
base_url = "http://127.0.0.1:1"
[mail]
sender = "tillbridge@brand.example"
recipients = ["finance@brand.example"]
[mail.server]
smtp_server = "127.0.0.1"
[profiles.tillbridge]
product_store_id = "SV_STORE"
brand = "Brand"
"""


def _read(tmp_path: Path, text: str) -> SetupConfig:
    file = tmp_path / "tillbridge.toml"
    file.write_text(text)
    return read_config(file)


def test_a_good_file_is_read(tmp_path: Path) -> None:
    """So the others below fail for their own reason."""
    assert _read(tmp_path, GOOD)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (("smtp_server =", "smpt_server ="), "smpt_server"),
        (("[mail]\n", '[retail_pro.answer]\ntotl = "/x"\n[mail]\n'), "totl"),
        (('"tillbridge@brand.example"', '"nobody"'), "mail.sender"),
        (('"finance@brand.example"', '"finance"'), "mail.recipients"),
        (("[profiles.tillbridge]", "[profiles.sv_store]"), "sv_store"),
        (('host = "127.0.0.1"', ""), "sftp.host"),
        (('brand = "Brand"', 'brand = "Brand"\nbrnd = "x"'), "brnd"),
        (('url = "sqlite:///x.db"', 'url = "env:NOT_SET_ANYWHERE"'), "NOT_SET_ANYWHERE"),
        (('password = "hunter2"', 'password = "file:no-such-file"'), "no-such-file"),
        (
            ('"http://127.0.0.1:1"', '"http://192.0.2.7"\ncredential_mode = "bearer"\ntoken = "t"'),
            "retail_pro: Value error, http://192.0.2.7 is not encrypted",
        ),
        (("[database]", "[database"), "not TOML"),
        (
            ('brand = "Brand"', 'brand = "B"\n[profiles.b]\nproduct_store_id = "B"\nbrand = "B"'),
            "share the folders",
        ),
        (
            ('brand = "Brand"', 'brand = "Brand"\nretail_pro = "elsewhere"'),
            "profiles.tillbridge.retail_pro",
        ),
        (('brand = "Brand"', 'brand = "Brand"\nsftp_server = "a/b"'), "sftp_server"),
    ],
)
def test_a_fault_is_named_and_no_secret_is_shown(
    tmp_path: Path, change: tuple[str, str], named: str
) -> None:
    """The setting stands in the message, what was entered does not."""
    assert change[0] in GOOD
    with pytest.raises(ConfigurationProblem) as problem:
        _read(tmp_path, GOOD.replace(*change))
    assert named in str(problem.value)
    assert "hunter2" not in str(problem.value)


def test_a_credential_in_clear_can_be_allowed(tmp_path: Path) -> None:
    """Whoever says so may send one over http://."""
    clear = '"http://192.0.2.7"\ncredential_mode = "bearer"\ntoken = "t"\nallow_clear_text = true'
    assert _read(tmp_path, GOOD.replace('"http://127.0.0.1:1"', clear))


def test_profiles_name_the_blocks_of_their_file(tmp_path: Path) -> None:
    """Whatever they are stored under, so that a run needs the profile's name alone."""
    settings = _read(tmp_path, f'name = "guatemala"\n{GOOD}')

    profile = settings.profiles["tillbridge"]
    named = {profile.retail_pro, profile.sftp_server}
    assert named | {profile.order_database, profile.mail_notification} == {"guatemala"}
