"""The files that an installation is made from keep what the documentation says of them."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def unit(path: Path) -> dict[str, list[str]]:
    """Give the settings of a unit; those that may come more than once keep every value."""
    settings: dict[str, list[str]] = {}
    for name, value in re.findall(r"^(\w+)=(.*)$", path.read_text(), re.MULTILINE):
        settings.setdefault(name, []).append(value)
    return settings


def test_there_is_a_unit_for_every_process() -> None:
    """Server, worker and receiver."""
    assert [path.stem for path in UNITS] == [
        f"tillbridge-{name}" for name in ("receiver", "server", "worker")
    ]


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_units_are_confined(path: Path) -> None:
    """Each runs as an account of its own, writes in its own folder only, and may gain no rights."""
    settings = unit(path)
    account = "tillbridge-server" if "server" in path.stem else "tillbridge"
    assert settings["User"] == settings["Group"] == settings["StateDirectory"] == [account]
    assert settings["EnvironmentFile"] == [f"/etc/tillbridge/{path.stem.split('-')[1]}.env"]
    wanted = {
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        "ProtectHome": "yes",
        "PrivateTmp": "yes",
        "CapabilityBoundingSet": "",
        "UMask": "0077",
        "StateDirectoryMode": "0700",
        "StartLimitIntervalSec": "0",
        "Restart": "always",
    }
    assert {name: settings.get(name) for name in wanted} == {
        name: [value] for name, value in wanted.items()
    }
    assert "MemoryMax" in settings
    assert "TasksMax" in settings
    assert "ReadWritePaths" not in settings


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_systemd_finds_little_exposure(path: Path) -> None:
    """`systemd-analyze security` gives each unit 3.0 of 10 at most."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("no systemd-analyze on this machine")
    done = subprocess.run(
        [analyze, "security", "--offline=true", "--threshold=30", "--no-pager", path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-300:] + done.stderr


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_containers_are_confined(name: str) -> None:
    """Each is read-only, without rights, with limits, a log that ends and a health check."""
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["restart"] == "unless-stopped"
    assert service["pids_limit"]
    assert service["mem_limit"]
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}
    assert "healthcheck" in service or (
        "HEALTHCHECK" in DOCKERFILE and name in {"worker", "receiver"}
    )
    for port in service.get("ports", []):
        assert port.startswith("127.0.0.1:"), f"{name} is published on all addresses"
    for variable in service.get("environment", {}):
        assert not re.search("PASSWORD$|KEY$|AUTH_STRING$|TOKEN$", variable)


def test_containers_meet_only_whom_they_need() -> None:
    """The receiver faces the tills and reaches neither Prefect nor a database; the key is the server's."""
    networks = {name: set(service["networks"]) for name, service in SERVICES.items()}
    assert networks["receiver"].isdisjoint(
        networks["postgres"] | networks["server"] | networks["worker"]
    )
    assert networks["worker"].isdisjoint(networks["postgres"])
    assert COMPOSE["networks"]["database"]["internal"] is True
    assert "--config" in SERVICES["receiver"]["command"]
    holders = {
        name
        for name, service in SERVICES.items()
        if "PREFECT_SERVER_ENCRYPTION_KEY" in service["secrets"]
    }
    assert holders == {"server"}
    assert not any("AUTH_STRING" in secret for secret in SERVICES["receiver"]["secrets"])


def test_the_image_runs_without_rights() -> None:
    """As a user of its own, without pip, from a context that holds no environment and no key."""
    last_stage = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.search(r"^USER 10001$", last_stage, re.MULTILINE)
    assert "pip uninstall" in last_stage
    assert re.search(r"^HEALTHCHECK ", last_stage, re.MULTILINE)
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    allowed = {line[1:] for line in ignored if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(?:--\S+ )?(.+) \S+$", DOCKERFILE, re.MULTILINE)
    assert allowed == {name for names in copied for name in names.split()}


def test_secrets_of_a_container_become_its_environment(tmp_path: Path) -> None:
    """Each file is a variable of its name, whatever stands in it, and the command takes over."""
    (tmp_path / "PREFECT_API_AUTH_STRING").write_text("user:a $(touch x) `y` 'z' \"q\"\n")
    (tmp_path / "TILLBRIDGE_TILL_TOKEN").write_text("t")
    done = subprocess.run(
        ["sh", DEPLOY / "with_secrets.sh", "env"],
        env={"PATH": "/usr/bin:/bin", "SECRETS_FOLDER": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "PREFECT_API_AUTH_STRING=user:a $(touch x) `y` 'z' \"q\"\n" in done.stdout
    assert "TILLBRIDGE_TILL_TOKEN=t\n" in done.stdout
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("name", ["nginx.conf", "nginx_prefect.conf"])
def test_proxies_speak_only_what_is_safe(name: str) -> None:
    """TLS 1.2 and 1.3 in every server, and no version in the answers."""
    text = (DEPLOY / name).read_text()
    servers = text.count("\nserver {")
    assert servers
    assert re.findall(r"ssl_protocols (.+);", text) == ["TLSv1.2 TLSv1.3"] * servers
    assert text.count("server_tokens off;") == servers
    assert text.count("Strict-Transport-Security") == servers


def bounds(requirements: list[str]) -> dict[str, str]:
    """Give the version part of each requirement."""
    found = (re.match(r"([a-z0-9-]+)(?:\[\w+\])?(.*)$", line) for line in requirements)
    return {match[1]: match[2] for match in found if match}


def pins(lock: str) -> dict[str, str]:
    """Give the versions that a lock names."""
    found = re.findall(r"^([a-z0-9-]+)==([^ ;\\]+)", (ROOT / lock).read_text(), re.MULTILINE)
    return dict(found)


def test_what_breaks_with_a_new_version_has_an_upper_bound() -> None:
    """Prefect, what decides with it, and the libraries whose private members are used."""
    needed = bounds(PROJECT["project"]["dependencies"])
    assert [
        name
        for name in ("prefect", "sqlalchemy", "httpx", "httpcore", "paramiko", "uvicorn")
        if "<" not in needed[name]
    ] == []


def test_the_lowest_promised_versions_are_the_ones_that_are_tried() -> None:
    """What `make check-lowest` installs is each lower bound, Prefect's above all."""
    lowest = pins("requirements-lowest.lock")
    for name, versions in bounds(PROJECT["project"]["dependencies"]).items():
        bound = re.search(r">=([0-9.]+)", versions)
        assert bound, name
        assert f"{lowest[name]}.".startswith(f"{bound[1]}."), name
    prefect_yaml = yaml.safe_load((ROOT / "prefect.yaml").read_text())
    assert prefect_yaml["prefect-version"] == pins("requirements.lock")["prefect"]


@pytest.mark.parametrize("lock", sorted(path.name for path in ROOT.glob("*.lock")))
def test_locks_are_whole_and_name_no_index(lock: str) -> None:
    """Every package has hashes, and a mirror serves as well as any other index."""
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert "--index" not in text
    for block in re.split(r"\n(?=[a-z0-9])", text):
        assert "--hash=sha256:" in block, block[:60]


def test_an_installation_builds_with_what_a_lock_names() -> None:
    """The build backend is in the lock, and nothing documented fetches another one."""
    [backend] = PROJECT["build-system"]["requires"]
    assert re.split("[<>=]", backend)[0] in pins("requirements.lock")
    pages = [ROOT / "README.md", *ROOT.glob("docs/**/*.md"), ROOT / "Dockerfile", ROOT / "Makefile"]
    for page in pages:
        for line in page.read_text().splitlines():
            if re.search(r"pip\b.* install ", line) and "-r" not in line.split():
                assert "--no-build-isolation" in line, f"{page.name}: {line.strip()}"
