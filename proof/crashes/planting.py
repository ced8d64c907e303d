"""Plants a crash into a process: the n-th passage through a named place sends it a signal.

The product has no hooks for this; its functions are wrapped from outside, by name. A name that is gone is
an error, so that no crash point falls out of the proof unseen.
"""

from __future__ import annotations

import functools
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

from proof.crashes.points import POINTS, Call, Point
from proof.targets import NoSuchTarget, find


def plant(name: str, hit: int, what: str, passed: Callable[[int], None]) -> None:
    """Let the `hit`-th passage through the point `name` send this process the signal `what`.

    `passed` is told the number of each passage, before the signal.
    """
    point = POINTS[name]
    count = 0
    lock = threading.Lock()

    def pass_by(call: Call) -> None:
        nonlocal count
        if not point.counts(call):
            return
        with lock:
            count += 1
            here = count
        passed(here)
        if here == hit:
            point.act(call)
            time.sleep(point.pause)
            # To this thread: a stop of the process would let it go on until another thread is told.
            signal.pthread_kill(threading.get_ident(), getattr(signal, what))

    replace(point.target, lambda function: _wrapped(point, function, pass_by))


def require_targets() -> None:
    """Make sure that everything the points name is there.

    Raises:
        NoSuchTarget: it names those that are not.
    """
    missing = []
    for point in POINTS.values():
        try:
            find(point.target)
        except NoSuchTarget as problem:
            missing.append(f"{point.name}: {problem}")
    if missing:
        raise NoSuchTarget("; ".join(missing))


def replace(target: str, make: Callable[[Any], Any]) -> None:
    """Put what `make` gives for the thing at `module:name` (or `module:class.name`) in its place."""
    holder, name = find(target)
    setattr(holder, name, make(getattr(holder, name)))


def _wrapped(
    point: Point, function: Callable[..., Any], pass_by: Callable[[Call], None]
) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if point.when == "before":
            pass_by(Call(args, kwargs, None))
            return function(*args, **kwargs)
        result = function(*args, **kwargs)
        pass_by(Call(args, kwargs, result))
        return result

    return wrapper
