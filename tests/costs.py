"""`pytest --costs` says at the end what each room of the tests cost: which claims the minutes go to.

Seconds are of the clock, added up over all workers. CPU is that of the test process and of its children
that have ended; servers that last for the whole run are in the last line only.
"""

from __future__ import annotations

import resource
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

import pytest

_KEY = "cpu_seconds"
_PHASES = ("setup", "call", "teardown")


@dataclass
class Cost:
    """What the tests of one room came to."""

    tests: int = 0
    seconds: float = 0
    in_setup: float = 0
    cpu: float = 0


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the switch."""
    parser.addoption("--costs", action="store_true", help="Say what each room of the tests cost.")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Note the CPU time at the start of a test."""
    item.stash[_STARTED] = _cpu_seconds()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Iterator[pytest.TestReport]:
    """Hand the CPU time of a whole test to the report of its last phase."""
    report: pytest.TestReport = yield  # type: ignore[misc, assignment]
    if report.when == "teardown":
        report.user_properties.append((_KEY, _cpu_seconds() - item.stash[_STARTED]))
    return report


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the table, the dearest room first."""
    if not config.getoption("--costs"):
        return
    costs: defaultdict[str, Cost] = defaultdict(Cost)
    reports = [report for some in terminalreporter.stats.values() for report in some]
    for report in reports:
        if getattr(report, "when", None) not in _PHASES:
            continue
        file = PurePosixPath(report.nodeid.partition("::")[0])
        cost = costs[str(file.parent.relative_to("tests"))]
        cost.seconds += report.duration
        cost.tests += report.when == "call"
        cost.in_setup += report.duration if report.when == "setup" else 0
        cost.cpu += dict(report.user_properties).get(_KEY, 0) if report.when == "teardown" else 0
    terminalreporter.section("costs")
    terminalreporter.line("| room | tests | seconds | of it in set-up | CPU seconds |")
    terminalreporter.line("|---|---:|---:|---:|---:|")
    for room, one in sorted(costs.items(), key=lambda item: -item[1].seconds):
        terminalreporter.line(
            f"| {room} | {one.tests} | {one.seconds:.0f} | {one.in_setup:.0f} | {one.cpu:.0f} |"
        )


_STARTED = pytest.StashKey[float]()


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)
