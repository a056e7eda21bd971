"""What was learned, as it is kept and added up: for each feature one whole number that holds many weights side by side.

A sentence has a hundred features and each speaks for or against thirty things. Kept as thirty numbers, adding them up
would be most of the work of reading a mail; as lanes of one long integer, one addition adds all thirty.
"""

import gzip
import sys
from array import array
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

Table = Mapping[str, int]
_BITS = 32  # of a lane: sums of many thousand weights stay within it
_BYTES = _BITS // 8
_HALF = 1 << (_BITS - 1)
_STORED = 1 << 15  # the weights lie in the file as 16 bits each, moved up by this so that none is negative


def pack(weights: Sequence[int]) -> int:
    """Whole numbers, negative ones as well, side by side in one."""
    return sum(weight << (_BITS * at) for at, weight in enumerate(weights))


def unpack(total: int, lanes: int) -> list[int]:
    """The first `lanes` numbers that were added up; the last lane that was used has to be among them."""
    raised = (total + _raise(lanes, _HALF)).to_bytes(lanes * _BYTES, "little")
    return [one - _HALF for one in _numbers("I", raised)]


@cache
def _raise(lanes: int, by: int) -> int:
    return pack([by] * lanes)


def to_file(table: Mapping[str, Sequence[int]], lanes: int) -> bytes:
    """The weights (each within ±32,000) as they are shipped: names, a line each, an empty line, numbers."""
    names = sorted(name for name, weights in table.items() if any(weights))
    numbers = array("H", (weight + _STORED for name in names for weight in table[name]))
    if len(numbers) != len(names) * lanes:
        raise ValueError(f"every feature needs {lanes} weights")
    return gzip.compress("\n".join(names).encode() + b"\n\n" + _bytes(numbers), 9, mtime=0)


def from_file(packed: bytes, lanes: int) -> dict[str, int]:
    """The table that `to_file` wrote, its weights packed."""
    head, _, body = gzip.decompress(packed).partition(b"\n\n")
    wide = memoryview(_bytes(array("I", _numbers("H", body))))
    size, raised = lanes * _BYTES, _raise(lanes, _STORED)
    return {
        name: int.from_bytes(wide[at * size : (at + 1) * size], "little") - raised
        for at, name in enumerate(head.decode().split("\n"))
    }


def _numbers(kind: str, raw: bytes) -> "array[int]":
    """The numbers in little-endian bytes, whatever order this machine has."""
    return _in_order(array(kind, raw))


def _bytes(numbers: "array[int]") -> bytes:
    """Numbers as little-endian bytes."""
    return _in_order(numbers[:]).tobytes()


def _in_order(numbers: "array[int]") -> "array[int]":
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def added(table: Table, names: Iterable[str], unknown: int) -> int:
    """The sum of what these features say; one that was never learned counts as `unknown`."""
    find = table.get
    return sum([find(name, unknown) for name in names])

