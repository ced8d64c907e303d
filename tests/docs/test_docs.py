"""What is there is documented, and what the documentation says is there."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from textwrap import dedent

import pytest

import blocks
from commands.config import AlertSection, MailSection, PoolSection, SetupConfig, read_config
from tillbridge import errors
from tillbridge.clients.retail_pro_settings import RetailProSettings
from tillbridge.clients.sftp_settings import SftpSettings
from tillbridge.contracts.invoice_answer import AnswerReading
from tillbridge.contracts.invoice_lookup import LookupReading
from tillbridge.invoicing import outcome, states
from tillbridge.profile import LineRule, SequenceRule, StoreCodes, TillSettings
from tillbridge.receiver.settings import ReceiverOptions, TillCredentials

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
SETTINGS = {
    "profile": [blocks.ProductStoreProfile, StoreCodes, TillSettings, LineRule, SequenceRule],
    "blocks": [
        SftpSettings,
        RetailProSettings,
        AnswerReading,
        LookupReading,
        blocks.MailNotification,
    ],
    "receiver": [ReceiverOptions, TillCredentials],
}


def reference(page: str) -> str:
    return (ROOT / f"docs/reference/{page}.md").read_text()


def test_settings_are_in_the_reference() -> None:
    """Every setting of a block stands in a table, with the description its form shows."""
    for page, models in SETTINGS.items():
        for model in models:
            for name, field in model.model_fields.items():
                assert f"| `{name}` |" in reference(page), f"{page}.md lacks {name}"
                assert field.description in reference(page), f"{page}.md describes {name} otherwise"


def test_names_are_in_the_reference() -> None:
    """Every block, error, deployment and command has its place in the reference."""
    slugs = [getattr(blocks, name).get_block_type_slug() for name in blocks.__all__]
    assert [slug for slug in slugs if f"`{slug}`" not in reference("blocks")] == []
    kinds = [
        n for n, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)
    ]
    assert [name for name in kinds if f"| `{name}` |" not in reference("errors")] == []
    targets = re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    wanted = [f"make {name}" for name in targets] + ["tillbridge setup"]
    assert [name for name in wanted if name not in reference("commands")] == []


def test_proofs_are_documented() -> None:
    """The concept page shows the states as the code draws them, and what each verdict comes to."""
    page = (ROOT / "docs/concepts/never-twice.md").read_text()
    assert dedent(str(states.__doc__).split("::\n")[1].split("\nA late")[0]).strip("\n") in page
    moves = {"_unknown": "UNKNOWN", "_not_applied": "READY"}
    for call in ast.walk(ast.parse(inspect.getsource(outcome))):
        match call:
            case ast.Call(ast.Name("Verdict"), [ast.Constant(state), ast.Constant(code), *_]):
                assert f"| `{code}` | {state} |" in page
            case ast.Call(ast.Name(name), [ast.Constant(code), *_]) if name in moves:
                assert f"| `{code}` | {moves[name]} |" in page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links(page: Path) -> None:
    """Every relative link leads to a file, and to a heading that is in it."""
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)", page.read_text()):
        file = page.parent / target if target else page
        assert file.exists(), f"{target} leads nowhere"
        headings = re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE) if anchor else []
        assert anchor in [
            "",
            *(re.sub(r"[^a-z0-9 -]", "", h.lower()).replace(" ", "-") for h in headings),
        ]


def example(tmp_path: Path, text: str) -> SetupConfig:
    (tmp_path / "keys").mkdir(exist_ok=True)
    (tmp_path / "keys/sftp_ed25519").write_text("a key")
    (tmp_path / "tillbridge.toml").write_text(text)
    return read_config(tmp_path / "tillbridge.toml")


def test_example_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example can be used; it names every setting, and the defaults it shows are the defaults."""
    text = (ROOT / "tillbridge.example.toml").read_text()
    for name in re.findall(r'^\w+ = .*"env:(\w+)"', text, re.MULTILINE):
        monkeypatch.setenv(name, "a secret that is long enough")
    with_defaults = example(tmp_path, re.sub(r"(?m)^#(?=[a-z_]+ = )", "", text))
    assert example(tmp_path, text) == with_defaults
    sections = [MailSection, PoolSection, AlertSection, blocks.OrderDatabase]
    settings = [*SETTINGS["profile"], *SETTINGS["blocks"][:-1], *SETTINGS["receiver"]]
    for model in [*settings, *sections]:
        for name in model.model_fields:
            assert re.search(rf"\b{name}( = |\])", text), f"the example lacks {name}"
