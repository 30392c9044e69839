"""The mean of the members' outputs, as the t of which it is the output."""

from ...compiler.jit import inline
from ...entries.functions import exp, log, logistic, where
from ...machine.tiles import lanes, zeros
from ..panels import get, put
from ..softmax import softmax

LEAST = 1e-37  # of a mean of probabilities, whose logarithm is taken: a normal number of either dtype


@inline
def _least(z):
    return where(z < LEAST, LEAST, z)


def _merge_softmax(t, R, members, O):
    like = zeros(t.data, 1, 1)
    softmax(t, 0, members * R, O)
    for j in range(0, O, lanes(t.data)):
        for i in range(R):
            total = get(t, i, j, like)
            for m in range(1, members):
                total = total + get(t, m * R + i, j, like)
            put(t, i, j, log(_least(total / members)))


def _merge_logistic(t, R, members, O):
    like = zeros(t.data, 1, 1)
    for j in range(0, O, lanes(t.data)):
        for i in range(R):
            yes, no = like, like  # both, so that no difference from 1 loses digits
            for m in range(members):
                each = get(t, m * R + i, j, like)
                yes, no = yes + logistic(each), no + logistic(0.0 - each)
            put(t, i, j, log(_least(yes)) - log(_least(no)))


def _merge_identity(t, R, members, O):
    like = zeros(t.data, 1, 1)
    for j in range(0, O, lanes(t.data)):
        for i in range(R):
            total = like
            for m in range(members):
                total = total + get(t, m * R + i, j, like)
            put(t, i, j, total / members)


def _merge_exp(t, R, members, O):
    like = zeros(t.data, 1, 1)
    for j in range(0, O, lanes(t.data)):
        for i in range(R):
            total = like
            for m in range(members):
                total = total + exp(get(t, m * R + i, j, like))
            put(t, i, j, log(_least(total / members)))


MERGES = {
    "softmax": inline(_merge_softmax),
    "logistic": inline(_merge_logistic),
    "identity": inline(_merge_identity),
    "exp": inline(_merge_exp),
}  # by the loss's link: t_i <- the t of which g(t) is the mean of g(t_(m R + i)) over the members m, for i < R
