"""`python -m benchmarks [name ...]`: all benchmarks, or those that are named, one after the other."""

from __future__ import annotations

import sys

from benchmarks import demo, ingestion, invoicing, pulling, receiving, starting, transform

_ALL = {
    "transform": transform.main,
    "invoicing": invoicing.main,
    "ingestion": ingestion.main,
    "pulling": pulling.main,
    "receiving": receiving.main,
    "starting": starting.main,
    "demo": demo.main,
}


def main(names: list[str]) -> None:
    """Run the named benchmarks, all where none is named."""
    unknown = [name for name in names if name not in _ALL]
    if unknown:
        sys.exit(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(_ALL)}")
    for name in names or _ALL:
        print(f"\n--- {name}", flush=True)
        _ALL[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
