"""Each equation of the paper that computes something, worked by hand beside its kernel: test_eq_19 is eq. 19.

The layer is the paper's own, two inputs and three outputs; the network of eqs. 42-54 has two layers, 2-3-2. All
numbers are fractions that both dtypes hold exactly, so what a kernel returns must *equal* what is worked out here;
only where exp and ln enter are a few units in the last place allowed.

One layer's elements are named as in the paper: w12 is w_12, dt1 is dE/dt_1. The network's quantities carry their
layer's number after an underscore: W_1, dt_2.
"""

import inspect
import math
from fractions import Fraction as Q

import numpy as np
import pytest

import fastbp
from fastbp.kernels.registry import KERNELS
from fastbp.kernels.registry.equation_table import COMPUTING

# ---- one layer, one sample: t = x W + b, h = F(t)
x1, x2 = Q(1, 2), Q(-1)
w11, w12, w13 = Q(2), Q(-1), Q(4)
w21, w22, w23 = Q(1), Q(1, 2), Q(-1, 2)
b1, b2, b3 = Q(1, 4), Q(3, 4), Q(-1, 2)
t1, t2, t3 = Q(1, 4), Q(-1, 4), Q(2)  # 1 - 1 + 1/4,  -1/2 - 1/2 + 3/4,  2 + 1/2 - 1/2
h1, h2, h3 = Q(1, 4), Q(0), Q(2)

x, b, t, h = [x1, x2], [b1, b2, b3], [t1, t2, t3], [h1, h2, h3]
W = [[w11, w12, w13],
     [w21, w22, w23]]  # fmt: skip

# eqs. 11-17: dE/dh is given (eq. 10), and F'(t) is known (eq. 16), as only t2 is below zero
dh1, dh2, dh3 = dh = [Q(3), Q(-2), Q(1, 2)]
F1, F2, F3 = [1, 0, 1]

# eqs. 18-32: dE/dt is given (eq. 23)
dt1, dt2, dt3 = dt = [Q(5), Q(-2), Q(1, 2)]

# eqs. 33-39: logits whose exponentials are 1, 2 and 5, their sum 8; the second class is the true one
logits = [math.log(1), math.log(2), math.log(5)]
z = [1 / 8, 2 / 8, 5 / 8]
y = [0, 1, 0]

# ---- eqs. 42-54: the network 2-3-2, whose first layer is the one above
W_1, b_1, t_1, h_1 = W, b, t, h
W_2 = [[Q(4), Q(-2)],
       [Q(3), Q(5)],
       [Q(1, 2), Q(3, 4)]]  # fmt: skip
b_2 = [Q(-1, 2), Q(1, 2)]
t_2 = [Q(3, 2), Q(3, 2)]  # 1 + 0 + 1 - 1/2,  -1/2 + 0 + 3/2 + 1/2
z_2 = [Q(1, 2), Q(1, 2)]  # equal logits, equal probabilities
y_2 = [0, 1]
dt_2 = [Q(1, 2), Q(-1, 2)]  # z - y
dW_2 = [[Q(1, 8), Q(-1, 8)],
        [Q(0), Q(0)],
        [Q(1), Q(-1)]]  # fmt: skip
db_2 = [Q(1, 2), Q(-1, 2)]
dh_1 = [Q(3), Q(-1), Q(-1, 8)]  # 2 + 1,  3/2 - 5/2,  1/4 - 3/8
dt_1 = [Q(3), Q(0), Q(-1, 8)]
dW_1 = [[Q(3, 2), Q(0), Q(-1, 16)],
        [Q(-3), Q(0), Q(1, 8)]]  # fmt: skip
db_1 = [Q(3), Q(0), Q(-1, 8)]


@pytest.fixture
def run(dtype):
    """run(name, shapes of the outputs, inputs...) calls a kernel on outputs made NaN beforehand; returns arrays."""

    def call(name, shapes, *inputs):
        outputs = [np.full(shape, np.nan, dtype) for shape in shapes]
        arrays = [np.array(i, np.int64 if name_ == "y" else dtype) for name_, i in named(name, outputs, inputs)]
        KERNELS[name].kernel(*outputs, *arrays)
        return outputs if len(outputs) > 1 else outputs[0]

    def named(name, outputs, inputs):
        return zip([*inspect.signature(KERNELS[name].kernel).parameters][len(outputs) :], inputs, strict=True)

    return call


def exact(array):
    """The numbers of an array as nested lists of fractions: no rounding."""
    return [exact(part) for part in array] if array.ndim else Q(float(array))


@pytest.fixture
def close(dtype):
    """close(numbers) equals an array of these, but for the rounding of exp, ln and a division."""
    few = 4 * float(np.finfo(dtype).eps)
    return lambda numbers: pytest.approx(np.array(numbers, float), rel=few, abs=few)


def secant(f, at, index, step=Q(1, 8)):
    """The slope of f, a list of numbers, along one element of `at`: of a piecewise linear f, its exact derivative."""
    moved = [value + step if i == index else value for i, value in enumerate(at)]
    return [(high - low) / step for high, low in zip(f(moved), f(at), strict=True)]


# ---- forwards through one layer ------------------------------------------------------------------------------------


def test_eq_4(run):
    """h = F(x W + b), of a row vector"""
    by_hand = [max(0, sum(x[k] * W[k][j] for k in range(2)) + b[j]) for j in range(3)]
    assert exact(run("linear_relu", [(1, 3)], [x], W, b)) == [by_hand] == [h]


def test_eq_6(run):
    """h_j = F(x_1 w_1j + x_2 w_2j + b_j)"""
    [found] = exact(run("linear_relu", [(1, 3)], [x], W, b))
    assert found[0] == max(0, x1 * w11 + x2 * w21 + b1) == h1
    assert found[1] == max(0, x1 * w12 + x2 * w22 + b2) == h2
    assert found[2] == max(0, x1 * w13 + x2 * w23 + b3) == h3


def test_eq_7(run):
    """t_j = x_1 w_1j + x_2 w_2j + b_j"""
    [found] = exact(run("linear", [(1, 3)], [x], W, b))
    assert found[0] == x1 * w11 + x2 * w21 + b1 == t1
    assert found[1] == x1 * w12 + x2 * w22 + b2 == t2
    assert found[2] == x1 * w13 + x2 * w23 + b3 == t3


def test_eq_8(run):
    """h_j = F(t_j)"""
    assert exact(run("relu", [(1, 3)], [t])) == [h]


# ---- backwards through the activation ------------------------------------------------------------------------------


def backward(run, dh, t):
    """dE/dt of one sample, from h as `relu` leaves it."""
    return exact(run("relu_backward", [(1, 3)], [dh], run("relu", [(1, 3)], [t])))[0]


def test_eq_11(run):
    """dE/dt_1 = dE/dh_1 dh_1/dt_1, and so for each j: h_j hangs on t_j alone"""
    for j in range(3):
        slopes = secant(lambda t: exact(run("relu", [(1, 3)], [t]))[0], t, j)
        assert [slope for i, slope in enumerate(slopes) if i != j] == [0, 0]
        assert backward(run, dh, t)[j] == dh[j] * slopes[j]


def test_eq_12(run):
    """dE/dt_1 = dE/dh_1 dh_1/dt_1; the factor that print leaves out is 0 where t_1 is below zero"""
    assert backward(run, dh, [t1, t2, t3])[0] == dh1 * 1 == 3
    assert backward(run, dh, [-t1, t2, t3])[0] == dh1 * 0 == 0


def test_eq_13(run):
    """dE/dt_1 = dE/dh_1 F'(t_1)"""
    assert backward(run, dh, t)[0] == dh1 * F1 == 3


def test_eq_14(run):
    """dE/dt_2 = dE/dh_2 F'(t_2) and dE/dt_3 = dE/dh_3 F'(t_3)"""
    assert backward(run, dh, t)[1] == dh2 * F2 == 0
    assert backward(run, dh, t)[2] == dh3 * F3 == Q(1, 2)


def test_eq_17(run):
    """dE/dt = dE/dh (.) F'(t), also where dE/dh comes out of the layer above in the same pass"""
    assert backward(run, dh, t) == [dh1 * F1, dh2 * F2, dh3 * F3] == [3, 0, Q(1, 2)]
    identity = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]  # weights of a layer above that hands dE/dh down unchanged
    h_below = run("relu", [(1, 3)], [t])
    assert exact(run("linear_relu_backward_input", [(1, 3)], [dh], identity, h_below)) == [[3, 0, Q(1, 2)]]


# ---- backwards to W and b ------------------------------------------------------------------------------------------


def params(run):
    """dE/dW and dE/db of the layer."""
    dW, db = run("linear_backward_params", [(2, 3), (3,)], [x], [dt])
    return exact(dW), exact(db)


def test_eq_18(run):
    """dE/dw_11 = dE/dt_1 dt_1/dw_11: w_11 moves t_1 alone"""

    def t_of_first_column(column):
        return exact(run("linear", [(1, 3)], [x], [[column[0], w12, w13], [column[1], w22, w23]], b))[0]

    slopes = secant(t_of_first_column, [w11, w21], 0)
    assert slopes[1:] == [0, 0]
    assert params(run)[0][0][0] == dt1 * slopes[0]


def test_eq_19(run):
    """dE/dw_11 = dE/dt_1 x_1"""
    assert params(run)[0][0][0] == dt1 * x1 == Q(5, 2)


def test_eq_20(run):
    """dE/dw_21 = dE/dt_1 x_2: one row down"""
    assert params(run)[0][1][0] == dt1 * x2 == -5


def test_eq_21(run):
    """dE/dw_12 = dE/dt_2 x_1: one column on"""
    assert params(run)[0][0][1] == dt2 * x1 == -1


def test_eq_24(run):
    """dE/dW = x^T dE/dt; over a batch the samples' matrices add up"""
    assert params(run)[0] == [[Q(5, 2), -1, Q(1, 4)],
                              [-5, 2, Q(-1, 2)]]  # fmt: skip
    batch = [x, [Q(4), Q(2)]]
    dts = [dt, [Q(1), Q(3), Q(-1)]]
    dW, _ = run("linear_backward_params", [(2, 3), (3,)], batch, dts)
    assert exact(dW) == [[Q(5, 2) + 4, -1 + 12, Q(1, 4) - 4],
                         [-5 + 2, 2 + 6, Q(-1, 2) - 2]]  # fmt: skip


def test_eq_25(run):
    """dE/db_1 = dE/dt_1 dt_1/db_1 = dE/dt_1 1"""
    slopes = secant(lambda b: exact(run("linear", [(1, 3)], [x], W, b))[0], b, 0)
    assert slopes == [1, 0, 0]
    assert params(run)[1][0] == dt1 * 1 == 5


def test_eq_26(run):
    """dE/db_2 = dE/dt_2, and the third likewise"""
    assert params(run)[1][1] == dt2 == -2
    assert params(run)[1][2] == dt3 == Q(1, 2)


def test_eq_27(run):
    """dE/db = dE/dt; over a batch, the sums of its columns"""
    assert params(run)[1] == dt
    _, db = run("linear_backward_params", [(2, 3), (3,)], [x, x], [dt, [Q(1), Q(3), Q(-1)]])
    assert exact(db) == [5 + 1, -2 + 3, Q(1, 2) - 1]


# ---- backwards to x ------------------------------------------------------------------------------------------------


def input_gradient(run):
    """dE/dx of the layer, from both kernels that compute it; above zero, F' = 1 changes nothing."""
    [dx] = exact(run("linear_backward_input", [(1, 2)], [dt], W))
    assert exact(run("linear_relu_backward_input", [(1, 2)], [dt], W, [[1, 1]])) == [dx]
    return dx


def slopes_along_x(run, i):
    """dt_1/dx_i, dt_2/dx_i and dt_3/dx_i."""
    return secant(lambda x: exact(run("linear", [(1, 3)], [x], W, b))[0], x, i)


def test_eq_28(run):
    """dE/dx_1 = dE/dt_1 dt_1/dx_1 + dE/dt_2 dt_2/dx_1 + dE/dt_3 dt_3/dx_1"""
    slopes = slopes_along_x(run, 0)
    assert input_gradient(run)[0] == dt1 * slopes[0] + dt2 * slopes[1] + dt3 * slopes[2]


def test_eq_29(run):
    """dt_1/dx_1 = w_11, dt_2/dx_1 = w_12, dt_3/dx_1 = w_13: what each unit of dE/dt_j adds to dE/dx_1"""
    assert slopes_along_x(run, 0) == [w11, w12, w13]
    for unit, w in zip(([1, 0, 0], [0, 1, 0], [0, 0, 1]), ([w11, w21], [w12, w22], [w13, w23]), strict=True):
        assert exact(run("linear_backward_input", [(1, 2)], [unit], W)) == [w]


def test_eq_30(run):
    """dE/dx_1 = dE/dt_1 w_11 + dE/dt_2 w_12 + dE/dt_3 w_13"""
    assert input_gradient(run)[0] == dt1 * w11 + dt2 * w12 + dt3 * w13 == 10 + 2 + 2


def test_eq_31(run):
    """dE/dx_2 = dE/dt_1 w_21 + dE/dt_2 w_22 + dE/dt_3 w_23"""
    assert input_gradient(run)[1] == dt1 * w21 + dt2 * w22 + dt3 * w23 == 5 - 1 - Q(1, 4)


def test_eq_32(run):
    """dE/dx = dE/dt W^T"""
    assert input_gradient(run) == [14, Q(15, 4)]


# ---- the error -----------------------------------------------------------------------------------------------------


def loss(run, rows=1):
    """dE/dt and the error of each row, the second class the true one."""
    return run("softmax_cross_entropy", [(rows, 3), (rows,)], [logits] * rows, [1] * rows)


def test_eq_33(run, close):
    """z_i = exp(t_i) / sum_j exp(t_j) = 1/8, 2/8, 5/8, and the class predicted is the argmax"""
    probabilities = run("softmax", [(1, 3)], [logits])
    assert probabilities[0] == close(z)
    assert exact(run("predicted_class", [(1,)], probabilities)) == [2]


def test_eq_34(run, close):
    """E = -sum_i y_i ln z_i = -ln 2/8"""
    E = -sum(y_i * math.log(z_i) for y_i, z_i in zip(y, z, strict=True))
    assert run("cross_entropy", [(1,)], [z], [1]) == close([E])
    assert loss(run)[1] == close([E])


def test_eq_35(run, close):
    """E = -sum_i y_i ln(exp(t_i) / sum_j exp(t_j)) = -sum_i y_i t_i + ln sum_j exp(t_j), as sum_i y_i = 1"""
    assert sum(y) == 1
    from_z = run("cross_entropy", [(1,)], run("softmax", [(1, 3)], [logits]), [1])
    assert loss(run)[1] == close(from_z)


def test_eq_36(run, close):
    """E = -sum_i y_i t_i + ln sum_j exp(t_j) = -ln 2 + ln 8"""
    assert loss(run)[1] == close([-math.log(2) + math.log(1 + 2 + 5)])


def test_eq_37(run, close):
    """dE/dt_k = -y_k + exp(t_k) / sum_j exp(t_j)"""
    [found] = loss(run)[0]
    assert found[:1] == close([0 + 1 / (1 + 2 + 5)])
    assert found[1:2] == close([-1 + 2 / (1 + 2 + 5)])
    assert found[2:] == close([0 + 5 / (1 + 2 + 5)])


def test_eq_38(run, close):
    """dE/dt_k = S(t)_k - y_k, whichever class is the true one"""
    [S] = run("softmax", [(1, 3)], [logits])
    for k in range(3):
        [found] = run("softmax_cross_entropy", [(1, 3), (1,)], [logits], [k])[0]
        assert found == close([S[i] - (i == k) for i in range(3)])


def test_eq_39(run, close):
    """dE/dt = z - y; over a batch of four E is the mean, so each row's share is a quarter"""
    assert loss(run)[0] == close([[1 / 8, 2 / 8 - 1, 5 / 8]])
    assert loss(run, rows=4)[0] == close([[1 / 32, -6 / 32, 5 / 32]] * 4)


# ---- the activation ------------------------------------------------------------------------------------------------


def test_eq_40(run):
    """F(t) = max(0, t)"""
    assert exact(run("relu", [(1, 3)], [[Q(-3, 2), 0, Q(5, 4)]])) == [[0, 0, Q(5, 4)]]
    # a layer of one weight 1 and no bias is F itself
    found = run("linear_relu", [(3, 1)], [[Q(-3, 2)], [0], [Q(5, 4)]], [[1]], [0])
    assert exact(found) == [[0], [0], [Q(5, 4)]]


def test_eq_41(run):
    """F'(t) = 1 for t >= 0, else 0: with dE/dh = 1, dE/dt is F'(t) itself; F'(0) = 1"""
    assert backward(run, [1, 1, 1], [Q(-3, 2), 0, Q(5, 4)]) == [0, 1, 1]
    # t = 1*1 - 1 = 0 out of a layer, too
    h_below = run("linear_relu", [(1, 1)], [[1]], [[1]], [-1])
    assert exact(h_below) == [[0]]
    assert exact(run("linear_relu_backward_input", [(1, 1)], [[1]], [[1]], h_below)) == [[1]]


# ---- the network, forwards -----------------------------------------------------------------------------------------


def test_eq_42(run):
    """t_1 = x W_1 + b_1"""
    assert exact(run("linear", [(1, 3)], [x], W_1, b_1)) == [t_1]


def test_eq_43(run):
    """h_1 = F(t_1), alone and together with eq. 42"""
    assert exact(run("relu", [(1, 3)], [t_1])) == [h_1]
    assert exact(run("linear_relu", [(1, 3)], [x], W_1, b_1)) == [h_1]


def test_eq_44(run):
    """t_2 = h_1 W_2 + b_2, with no F on the last layer"""
    assert exact(run("linear", [(1, 2)], [h_1], W_2, b_2)) == [t_2]
    assert exact(run("linear", [(1, 2)], [h_1], W_2, [b - 2 for b in b_2])) == [[Q(-1, 2), Q(-1, 2)]]


def test_eq_45(run):
    """z = S(t_2): two equal logits, so a half each"""
    assert exact(run("softmax", [(1, 2)], [t_2])) == [z_2]


def test_eq_46(run, close):
    """E = CE(z, y) = -ln 1/2"""
    assert run("cross_entropy", [(1,)], [z_2], [1]) == close([math.log(2)])
    assert run("softmax_cross_entropy", [(1, 2), (1,)], [t_2], [1])[1] == close([math.log(2)])


# ---- the network, backwards ----------------------------------------------------------------------------------------


def test_eq_47(run):
    """dE/dt_2 = S(t_2) - y = z - y"""
    found, _ = run("softmax_cross_entropy", [(1, 2), (1,)], [t_2], [1])
    assert exact(found) == [[z_2[0] - y_2[0], z_2[1] - y_2[1]]] == [dt_2]


def test_eq_48(run):
    """dE/dW_2 = h_1^T dE/dt_2"""
    assert exact(run("linear_backward_params", [(3, 2), (2,)], [h_1], [dt_2])[0]) == dW_2


def test_eq_49(run):
    """dE/db_2 = dE/dt_2"""
    assert exact(run("linear_backward_params", [(3, 2), (2,)], [h_1], [dt_2])[1]) == db_2 == dt_2


def test_eq_50(run):
    """dE/dh_1 = dE/dt_2 W_2^T"""
    assert exact(run("linear_backward_input", [(1, 3)], [dt_2], W_2)) == [dh_1]


def test_eq_51(run):
    """dE/dt_1 = dE/dh_1 (.) F'(t_1), alone and together with eq. 50"""
    h_below = run("linear_relu", [(1, 3)], [x], W_1, b_1)
    assert exact(run("relu_backward", [(1, 3)], [dh_1], h_below)) == [dt_1]
    assert exact(run("linear_relu_backward_input", [(1, 3)], [dt_2], W_2, h_below)) == [dt_1]


def test_eq_52(run):
    """dE/dW_1 = x^T dE/dt_1"""
    assert exact(run("linear_backward_params", [(2, 3), (3,)], [x], [dt_1])[0]) == dW_1


def test_eq_53(run):
    """dE/db_1 = dE/dt_1"""
    assert exact(run("linear_backward_params", [(2, 3), (3,)], [x], [dt_1])[1]) == db_1 == dt_1


def test_eq_54(dtype):
    """W <- W - alpha dE/dW, with alpha = 1/4"""
    W, dW = np.array(W_2, dtype).ravel(), np.array(dW_2, dtype).ravel()
    KERNELS["sgd_update"].kernel(W, dW, dtype.type(0.25))
    assert exact(W) == [4 - Q(1, 32), -2 + Q(1, 32), 3, 5, Q(1, 2) - Q(1, 4), Q(3, 4) + Q(1, 4)]


# ---- all together --------------------------------------------------------------------------------------------------


def test_a_model_is_this_network(dtype):
    """Model.gradients gives eqs. 46-53, and a step of fit eq. 54, exactly."""
    model = fastbp.Model([2, 3, 2], learning_rate=0.25, dtype=dtype)
    by_hand = [(W_1, b_1), (W_2, b_2)]
    for (W, b), (W_by_hand, b_by_hand) in zip(model.parameters, by_hand, strict=True):
        W[...], b[...] = W_by_hand, b_by_hand
    E, gradients = model.gradients([[0.5, -1]], [1])
    assert pytest.approx(math.log(2), rel=1e-6) == E
    assert [(exact(dW), exact(db)) for dW, db in gradients] == [(dW_1, db_1), (dW_2, db_2)]
    model.fit([[0.5, -1]], [1], epochs=1, batch_size=1, verbose=0)
    for (W, b), (W0, b0), (dW, db) in zip(model.parameters, by_hand, [(dW_1, db_1), (dW_2, db_2)], strict=True):
        assert exact(W) == [[w - d / 4 for w, d in zip(*rows, strict=True)] for rows in zip(W0, dW, strict=True)]
        assert exact(b) == [w - d / 4 for w, d in zip(b0, db, strict=True)]


@pytest.mark.parametrize("number", [4, 6, 7, 8, *range(11, 15), *range(17, 22), *range(24, 55)])
def test_every_computing_equation_has_a_kernel_and_its_test(number):
    assert (claimed := {entry.name for entry in KERNELS.values() if number in entry.equations}) and number in COMPUTING
    assert (test := globals()[f"test_eq_{number}"]).__doc__
    helpers = [backward, params, input_gradient, slopes_along_x, loss]
    read = "".join(inspect.getsource(f) for f in (test, *helpers) if f is test or f.__name__ in test.__code__.co_names)
    assert any(f'"{name}"' in read for name in claimed), f"test_eq_{number} runs none of {sorted(claimed)}"
