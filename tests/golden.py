"""Golden files: whole outputs that were looked at once and have to stay as they are.

`pytest --refresh-golden` writes them anew; look at the difference before it is committed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the one switch that rewrites the golden files."""
    parser.addoption(
        "--refresh-golden",
        action="store_true",
        help="Write the golden files anew, compare nothing.",
    )


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Give `golden(name, text)`: it compares `text` with the whole file tests/golden/`name`."""
    refresh = request.config.getoption("--refresh-golden")

    def compare(name: str, text: str) -> None:
        path = FOLDER / name
        if refresh:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        assert path.exists(), f"{path} is missing; pytest --refresh-golden writes it"
        # Bytes, so that line endings and byte order marks count.
        assert text == path.read_bytes().decode(), f"{path} differs; see pytest --refresh-golden"

    return compare
