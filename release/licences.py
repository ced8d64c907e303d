"""Lists the licences of what an installation holds, from its bill of materials: `make sbom`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

_UNKNOWN = "not stated"


def licence(component: dict[str, Any]) -> str:
    """Give the licences that a component of a CycloneDX document states: expressions, ids or names.

    The text of a licence may stand where its name should; then its first line is given.
    """
    stated = []
    for entry in component.get("licenses", []):
        one = entry.get("license", {})
        stated.append(entry.get("expression") or one.get("id") or one.get("name") or "")
    known = {text.strip().splitlines()[0] for text in stated if text.strip()}
    return " / ".join(sorted(known)) or _UNKNOWN


def table(document: dict[str, Any]) -> str:
    """Give one line for each component, as a table in Markdown."""
    rows = sorted(
        (part["name"], part.get("version", ""), licence(part)) for part in document["components"]
    )
    head = ["| package | version | licence |", "|---|---|---|"]
    return "\n".join([*head, *(f"| {name} | {at} | {what} |" for name, at, what in rows), ""])


def main() -> None:
    """Write the table of a bill of materials to another file."""
    source, target = map(Path, sys.argv[1:])
    text = table(json.loads(source.read_text(encoding="utf-8")))
    target.write_text(text, encoding="utf-8")
    unstated = text.count(f"| {_UNKNOWN} |")
    print(
        f"{source}\n{target}: {text.count(chr(10)) - 2} packages, {unstated} without a licence stated"
    )


if __name__ == "__main__":
    main()
