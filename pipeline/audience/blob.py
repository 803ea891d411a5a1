"""How the audience of a bucket is stored: one self-describing MessagePack value.

Registers that are mostly empty (a rare country) are written as positions and ranks, 4 bytes each.
"""

import msgspec
import numpy as np

from pipeline.audience.buckets import Audience
from pipeline.audience.facets import FacetTable
from pipeline.audience.hyperloglog import REGISTERS, Registers
from pipeline.audience.pairs import Pairs
from pipeline.audience.sketch import Sketch

_PAIR = np.dtype([("user", "<u8"), ("facet", "<u4")])
_RANK_BITS = 6
_SPARSE_BELOW = REGISTERS // 4


class _PairsBlob(msgspec.Struct, frozen=True, tag="pairs"):
    facets: list[str]
    records: bytes


class _Row(msgspec.Struct, frozen=True, array_like=True):
    facet: int
    """Number of the facet, -1 for everybody."""
    value: str
    sparse: bool
    registers: bytes


class _SketchBlob(msgspec.Struct, frozen=True, tag="sketch"):
    rows: list[_Row]


_decoder = msgspec.msgpack.Decoder(_PairsBlob | _SketchBlob)


def encode(audience: Audience, table: FacetTable) -> bytes:
    """The bytes of an audience; `table` is the one that its facet numbers are of."""
    if isinstance(audience, Pairs):
        numbers, indexes = np.unique(audience.facets, return_inverse=True)
        records = np.empty(len(audience), _PAIR)
        records["user"], records["facet"] = audience.hashes, indexes
        return msgspec.msgpack.encode(_PairsBlob(table.strings_of(numbers), records.tobytes()))
    rows = [_encode_row(-1, "", audience.registers[0])]
    for facet, values in enumerate(audience.rows):
        rows += [_encode_row(facet, value, audience.registers[row]) for value, row in values.items()]
    return msgspec.msgpack.encode(_SketchBlob(rows))


def decode(data: bytes, table: FacetTable) -> Audience:
    """The audience from its bytes. Raises msgspec.MsgspecError when they are something else."""
    blob = _decoder.decode(data)
    if isinstance(blob, _PairsBlob):
        records = np.frombuffer(blob.records, _PAIR)
        return Pairs(records["user"].astype(np.uint64), table.numbers_of(blob.facets)[records["facet"]])
    sketch = Sketch(table)
    for row in blob.rows:
        at = 0 if row.facet < 0 else sketch.row(row.facet, row.value)
        sketch.merge_row(at, _decode_row(row))
    return sketch


def _encode_row(facet: int, value: str, registers: Registers) -> _Row:
    used = np.flatnonzero(registers)
    if len(used) >= _SPARSE_BELOW:
        return _Row(facet, value, False, registers.tobytes())
    packed = (used.astype("<u4") << _RANK_BITS) | registers[used]
    return _Row(facet, value, True, packed.astype("<u4").tobytes())


def _decode_row(row: _Row) -> Registers:
    if not row.sparse:
        return np.frombuffer(row.registers, np.uint8)
    packed = np.frombuffer(row.registers, "<u4")
    registers = np.zeros(REGISTERS, np.uint8)
    registers[packed >> _RANK_BITS] = packed & ((1 << _RANK_BITS) - 1)
    return registers
