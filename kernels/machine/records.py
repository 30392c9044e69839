"""Records: named fields in memory, as compiled code sees them.

Their fields are laid out by `kernels.entries.records`, which needs no Numba. A record owns nothing: the caller keeps it
alive.
"""

import operator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.imputils import lower_getattr_generic, lower_setattr_generic
from numba.core.typing.templates import AttributeTemplate, infer_getattr
from numba.extending import lower_builtin, models, register_model, type_callable

from ..compiler.intrinsics import intrinsic
from ..entries.records import Array, Layout, Table
from ..entries.typed import Function
from .memory import Vector

BYTE = ir.IntType(8)
NUMBERS: dict[str, types.Type] = {"i4": types.int32, "i8": types.int64, "f8": types.float64}


class Record(types.Type):
    """The address of a record of this layout; `T` is the dtype of the network that it is for."""

    layout: Layout
    T: types.Type

    def __init__(self, layout: Layout, T: types.Type) -> None:
        self.layout, self.T = layout, T
        super().__init__(name=f"Record({layout.name}, {T})")

    def field(self, name: str) -> types.Type | None:
        """Return the type of a field, or None where there is no such field."""
        kind = self.layout.fields.get(name)
        if isinstance(kind, Array):
            return Vector(self.number(kind.of))
        if isinstance(kind, Table):
            return Records(Record(kind.of, self.T))
        return None if kind is None else self.number(kind)

    def number(self, kind: str) -> types.Type:
        """Return the Numba type that a kind of number has in this record."""
        if kind == "T":
            return self.T
        return types.Integer.from_bitwidth(self.T.bitwidth) if kind == "label" else NUMBERS[kind]


class Records(types.Type):
    """The address of several records, one after the other."""

    def __init__(self, record: Record) -> None:
        self.record = record
        super().__init__(name=f"Records({record})")


@register_model(Record)
@register_model(Records)
class AddressModel(models.PrimitiveModel):
    """A pointer to bytes."""

    def __init__(self, manager: Any, kind: types.Type) -> None:
        super().__init__(manager, kind, BYTE.as_pointer())


@infer_getattr
class RecordAttribute(AttributeTemplate):
    """Fields of a record are its attributes."""

    key = Record

    def generic_resolve(self, record: Record, name: str) -> types.Type | None:
        """Return the type of a field."""
        return record.field(name)


def field_address(builder: Any, record: Record, value: Any, name: str, kind: Any) -> Any:
    """Return where a field stands, as a pointer to values of an LLVM type."""
    offset = ir.IntType(64)(record.layout.offset(name))
    return builder.bitcast(builder.gep(value, [offset]), kind.as_pointer())


@lower_getattr_generic(Record)
def get_field(context: Any, builder: Any, record: Record, value: Any, name: str) -> Any:
    """Load a field: a number, a vector, or where a table begins."""
    kind = record.field(name)
    if isinstance(kind, Vector):
        words = field_address(builder, record, value, name, ir.IntType(64))
        vector = cgutils.create_struct_proxy(kind)(context, builder)
        vector.data = builder.inttoptr(builder.load(words), vector.data.type)
        vector.size = builder.load(builder.gep(words, [ir.IntType(64)(1)]))
        return vector._getvalue()
    if isinstance(kind, Records):
        return builder.inttoptr(
            builder.load(field_address(builder, record, value, name, ir.IntType(64))), BYTE.as_pointer()
        )
    address = field_address(builder, record, value, name, context.get_data_type(kind))
    return context.data_model_manager[kind].from_data(builder, builder.load(address))


@lower_setattr_generic(Record)
def set_field(context: Any, builder: Any, sig: Any, args: Any, name: str) -> None:
    """Store a number, or the address and size of a vector."""
    record, kind = sig.args
    if isinstance(kind, Vector):
        words = field_address(builder, record, args[0], name, ir.IntType(64))
        vector = cgutils.create_struct_proxy(kind)(context, builder, args[1])
        builder.store(builder.ptrtoint(vector.data, ir.IntType(64)), words)
        builder.store(vector.size, builder.gep(words, [ir.IntType(64)(1)]))
        return
    if isinstance(kind, Records):
        word = field_address(builder, record, args[0], name, ir.IntType(64))
        builder.store(builder.ptrtoint(args[1], ir.IntType(64)), word)
        return
    value = context.data_model_manager[kind].as_data(builder, args[1])
    builder.store(value, field_address(builder, record, args[0], name, value.type))


@type_callable(operator.getitem)
def _type_getitem(typingctx):
    def typer(records, index):
        if isinstance(records, Records) and isinstance(index, types.Integer):
            return records.record

    return typer


@lower_builtin(operator.getitem, Records, types.Integer)
def _get_record(context, builder, sig, args):
    index = context.cast(builder, args[1], sig.args[1], types.intp)
    return builder.gep(args[0], [builder.mul(index, index.type(sig.return_type.layout.itemsize))])


@intrinsic
def copy_record(typingctx, to, source):
    """Copy the fields of a record to another, except a status and those that threads share (`alone` of its layout)."""

    def codegen(context, builder, sig, args):
        first, size = to.layout.private, to.layout.itemsize - to.layout.private
        to_, source_ = (builder.gep(address, [ir.IntType(64)(first)]) for address in args)
        cgutils.raw_memcpy(builder, to_, source_, ir.IntType(64)(size), 1)
        return context.get_dummy_value()

    return types.void(to, source), codegen


@intrinsic
def copy_bytes(typingctx, to, source, size):
    """Copy so many bytes from one address to another."""

    def codegen(context, builder, sig, args):
        to_, source_ = (builder.inttoptr(address, BYTE.as_pointer()) for address in args[:2])
        cgutils.raw_memcpy(builder, to_, source_, args[2], 1)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.intp), codegen


@intrinsic
def records_from(typingctx, records, index):
    """The records from this one on."""

    def codegen(context, builder, sig, args):
        return builder.gep(args[0], [builder.mul(args[1], args[1].type(records.record.layout.itemsize))])

    return records(records, types.intp), codegen


@intrinsic
def numbers_of(typingctx, record):
    """All numbers of a record that holds nothing else, as a tuple; an empty one where its only field is "none"."""
    names = [name for name in record.layout.fields if name != "none"]
    kind = types.UniTuple(types.float64, len(names)) if names else types.Tuple(())

    def codegen(context, builder, sig, args):
        values = [get_field(context, builder, record, args[0], name) for name in names]
        return context.make_tuple(builder, kind, values)

    return kind(record), codegen


def record_at(layout: Layout) -> Function:
    """Make a function of compiled code (address, like) -> record of this layout, for the T of the record `like`."""

    @intrinsic
    def at(typingctx, address, like):
        def codegen(context, builder, sig, args):
            return builder.inttoptr(args[0], BYTE.as_pointer())

        return Record(layout, like.T)(types.intp, like), codegen

    return at


def record_type(layout: Layout, T: types.Type) -> Record:
    """Return Numba's type of a record for networks of dtype T."""
    return Record(layout, T)
