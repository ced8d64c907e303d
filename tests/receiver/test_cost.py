"""What a document may cost that keeps every limit: a fixed multiple of its size, found by search."""

from __future__ import annotations

import itertools
import json
import tracemalloc
from collections.abc import Callable

import pytest

from tests.fixtures_receiver import CLIENTS, sale
from tillbridge.errors import MOST_FINDINGS, RecordRejected
from tillbridge.receiver import document
from tillbridge.receiver.document import Limits
from tillbridge.receiver.settings import ReceiverSettings

SETTINGS = ReceiverSettings.model_validate({"clients": CLIENTS})
LIMITS = Limits.of(SETTINGS)
MULTIPLE = 60
"""An empty object of three characters is one of 64 bytes in memory, beside its place in a list."""

# What a list or an object may be filled with, by how much memory it was found to cost.
PIECES: dict[str, Callable[[int], str]] = {
    "zeros": lambda n: "0",
    "empty lists": lambda n: "[]",
    "empty objects": lambda n: "{}",
    "objects of one": lambda n: '{"":0}',
    "objects of many": lambda n: '{"a":0,"b":0,"c":0,"d":0,"e":0,"f":0}',
    "objects of new names": lambda n: f'{{"{n}":0}}',
    "objects of equal names": lambda n: '{"a":0,"a":0}',
    "texts": lambda n: f'"{n}"',
    "wide texts": lambda n: '"\N{GRINNING FACE}"',
    "long texts": lambda n: f'"{"x" * 4096}"',
    "texts too long": lambda n: f'"{"x" * 5000}"',
    "escapes": lambda n: '"' + r"\ud800" * 600 + '"',
    "amounts": lambda n: f"{n}.5",
    "amounts that are none": lambda n: "1e400",
    "long numbers": lambda n: "1" * 24,
    "numbers too long": lambda n: "1" * 4096,
    "deep lists": lambda n: "[" * 25 + "]" * 25,
    "deep objects": lambda n: '{"k":' * 25 + "0" + "}" * 25,
    "long names": lambda n: f'{{"{"k" * 190}{n}":0}}',
    "names too long": lambda n: f'{{"{"k" * 4000}{n}":0}}',
}
NAMES = ["k", "k" * 200, "k" * 4000]


def body(piece: Callable[[int], str], names: list[str], most_bytes: int, emoji: bool) -> bytes:
    """Fill a document with as many pieces as the limits allow, inside of so many objects."""
    start = json.dumps(sale("N", note="\N{GRINNING FACE}" if emoji else ""), ensure_ascii=False)
    head = start[:-1] + ',"x":' + "".join(f'{{"{name}":' for name in names)
    content: list[str] = []
    size = len(head.encode()) + 2
    values = 40 + len(names)
    for number in itertools.count():
        text = piece(number)
        size += len(text.encode()) + 1
        values += 1 + sum(map(text.count, ",[{"))
        if size + len(names) > most_bytes or values > LIMITS.most_values:
            break
        content.append(text)
    return (head + "[" + ",".join(content) + "]" + "}" * len(names) + "}").encode()


def peak(content: bytes) -> int:
    """Give how many bytes reading took at its worst."""
    tracemalloc.start()
    try:
        document.read("till", content, LIMITS)
    except RecordRejected as problem:
        assert len(problem.findings) <= MOST_FINDINGS  # noqa: PT017
    finally:
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return most


Shape = tuple[str, str, int, bool]


def cost(shape: Shape, most_bytes: int) -> float:
    """Give by how much more memory than it has bytes a document of that shape takes."""
    kind, name, depth, emoji = shape
    content = body(PIECES[kind], [name] * depth, most_bytes, emoji)
    return peak(content) / len(content)


def test_the_worst_document_costs_a_fixed_multiple_of_its_size() -> None:
    """Whatever it is made of, however its members are called and however deep they lie."""
    shapes = list(itertools.product(PIECES, NAMES, [1, 5], [False, True]))
    small = {shape: cost(shape, 15_000) for shape in shapes[::3]}
    worst = sorted(small, key=lambda shape: small[shape])[-3:]
    large = {shape: cost(shape, SETTINGS.largest_body_bytes) for shape in worst}
    beyond = {shape: times for shape, times in (small | large).items() if times > MULTIPLE}
    assert beyond == {}


def test_what_is_refused_for_its_values_is_never_built() -> None:
    """A megabyte of nothing but empty objects costs no more than its text."""
    content = b'{"x":[' + b"{}," * 340_000 + b"{}]}"
    assert peak(content) < 3 * len(content)
    with pytest.raises(RecordRejected) as refused:
        document.read("till", content, LIMITS)
    assert [found.expected for found in refused.value.findings] == ["JSON of at most 50,000 values"]


def test_a_place_is_spelt_out_for_a_finding_only() -> None:
    """Long names around a long list cost neither their length for each of its values nor a finding each."""
    inner = "[" + "0," * 9_999 + "0]"
    for _ in range(28):
        inner = f'{{"{"k" * 4000}":{inner}}}'
    content = f'{{"orderId":"N","storeId":"1","orderDate":1,"x":{inner}}}'.encode()
    assert peak(content) < 10 * len(content)
