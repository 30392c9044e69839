"""Kernels of members called with the plain arguments of their references: see adapters.py. O counts the members."""

from ..entries.typed import Array
from ..program.phases import Kernel
from .state import Computing, Layers, poisoned, put_matrix, take_matrix


class _First(Layers):
    """The first layer of members, whose rows stand one member after the other."""

    def __init__(self, members, B, I, dtype):
        places = max(2, members)  # of one there is no network, but its loop is right
        super().__init__((I, 1), B, dtype, scaled=True, members=places)
        layer, self.each, self.members = self.table[0], self.rows // places, members
        self.rows = members * self.each
        self.fill(members=members, batch=self.rows, batch_rows=self.rows, row_weights=poisoned(self.rows, dtype))
        self.raw = self.fields["activations"][int(layer["raw"]) :][: self.inputs * self.each]
        self.raw = self.raw.reshape(-1, self.each, self.lanes)

    def rows_of(self, member):
        """x of a member in panels."""
        return self.view("x")[:, member * self.each : (member + 1) * self.each]

    def scales(self, name):
        """The scales, or their gradients, of shape (members, inputs filled up)."""
        at = int(self.table[0]["scale"])
        return self.fields[name][at:][: self.members * self.inputs].reshape(self.members, -1)

    def take(self, name, array):
        """Read x of each member, or the gradients of the scales."""
        if name == "x":
            for member, each in enumerate(array):
                take_matrix(each, self.rows_of(member), self.B)
            return
        found = self.scales("gradients")
        array[...] = found[:, : array.shape[1]]
        if found[:, array.shape[1] :].any():
            raise ValueError("what fills up the last vector is no longer zero")


def spread_members(x: Array, u: Array, s: Array) -> Computing:
    """Over the gathered rows, which are the first member's."""
    net, nan = _First(*x.shape, x.dtype), float("nan")
    put_matrix(net.rows_of(0), u, nan)
    net.scales("parameters")[:] = 0
    net.scales("parameters")[:, : s.shape[1]] = s
    return net.computing((Kernel("spread_members"), 0, 0, len(u), 0, 0), x=x)


def member_scales_backward(ds: Array, dx: Array, u: Array) -> Computing:
    """All inputs in one step."""
    net, nan = _First(*dx.shape, dx.dtype), float("nan")
    for member, each in enumerate(dx):
        put_matrix(net.rows_of(member), each, nan)
    put_matrix(net.raw, u, nan)
    return net.computing((Kernel("member_scales_backward"), 0, 0, net.inputs, 0, 0), ds=ds)
