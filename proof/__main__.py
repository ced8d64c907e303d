"""`python -m proof [part ...]`: the proof at full size, all parts or those that are named, and its page.

Exit status 1: something that must not be was found; it stands in `proof/results/`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from proof import page, record
from proof.bugs import mutants
from proof.crashes import soak, sweep
from proof.crashes.soak import Plan
from proof.fuzz import driver as fuzz
from proof.ledger import runs as ledger
from proof.model import checking as model
from proof.sftp import faults as sftp
from proof.tlogs import kills as tlogs
from sandbox import postgresql

_FUZZ_SECONDS = 60
_SOAKS = (
    Plan(10_000, 300, "L0", "sqlite", seed=1, workers=3),
    Plan(10_000, 300, "L0", "postgresql", seed=2, workers=3),
    Plan(1_000, 40, "L1", "sqlite", seed=3),
    Plan(1_000, 40, "L2", "sqlite", seed=4),
    Plan(1_000, 40, "L3", "sqlite", seed=5),
)


def _model() -> bool:
    figures = model.run(full=True)
    record.write("protocol-model", figures)
    return bool(figures["as_expected"])


def _ledger() -> bool:
    with TemporaryDirectory() as folder, postgresql.cluster() as server:
        places = (
            lambda: nullcontext(f"sqlite:///{Path(folder)}/ledger.db"),
            lambda: postgresql.fresh_database(server),
        )
        databases = [ledger.run(full=True, database_url=place) for place in places]
    record.write("ledger-machine", {"databases": databases, "machine": record.machine()})
    return not any(one["violations"] for one in databases)


def _crashes() -> bool:
    found: list[Any] = []
    for database in ("sqlite", "postgresql"):
        figures = sweep.run(full=True, database=database)  # type: ignore[arg-type]
        record.write(f"crash-points-{database}", figures)
        found += figures["violations"]
        found += [one["point"] for one in figures["points"] if not one["hits"]["1"]]
    return not found


def _soak() -> bool:
    found: list[str] = []
    for plan in _SOAKS:
        figures = soak.run(plan)
        record.write(f"soak-{plan.database}-{plan.level.lower()}", figures)
        found += figures["problems"]
    return not found


def _sftp() -> bool:
    record.write("sftp-faults", sftp.run(full=True))
    return True


def _tlogs() -> bool:
    figures = tlogs.run_all()
    record.write("tlogs", {"machine": record.machine(), **figures})
    return not figures["problems"]


def _fuzz() -> bool:
    figures = fuzz.run(_FUZZ_SECONDS)
    record.write("fuzz", figures)
    return not figures["findings"]


def _bugs() -> bool:
    figures = mutants.run()
    mutants.keep(figures["bugs"])
    return bool(figures["killed"] == figures["planted"])


_PARTS: dict[str, Callable[[], bool]] = {
    "model": _model,
    "ledger": _ledger,
    "crashes": _crashes,
    "soak": _soak,
    "sftp": _sftp,
    "tlogs": _tlogs,
    "fuzz": _fuzz,
    "bugs": _bugs,
}


def main(names: list[str]) -> int:
    """Run the named parts, all where none is named, and make the page anew."""
    unknown = [name for name in names if name not in _PARTS]
    if unknown:
        sys.exit(f"no part is called {', '.join(unknown)}; there are {', '.join(_PARTS)}")
    bad = [name for name in names or _PARTS if not _PARTS[name]()]
    page.main()
    print(f"NOT as promised: {', '.join(bad)}" if bad else "All as promised.")
    return len(bad)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
