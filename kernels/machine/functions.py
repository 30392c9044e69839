"""Compiled forms of exp, log, tanh and the like, of a tile or a number: subnormals, infinities and NaN included.

Their errors are at most 3 units in the last place, those of expm1 and log1p at most 4.
"""

from math import factorial, pi

from numba import types
from numba.extending import overload

from ..compiler.jit import inline
from ..entries import functions as formula
from ..entries.erfcx import ERFCX_32, ERFCX_64
from ..entries.functions import fma, where
from .arithmetic import bits, from_bits, one_lane, only_lane, to_float
from .tiles import Tile

INF = float("inf")


@inline
def _polynomial(x, coefficients):
    """c_0 x^n + c_1 x^(n-1) + ... + c_n, by Horner's rule."""
    y = x * 0 + coefficients[0]
    for n in range(1, len(coefficients)):
        y = fma(y, x, coefficients[n])
    return y


def _make_exp(mantissa, bias, ln2_high, ln2_low, degree, lowest, highest):
    """exp(x) = 2^n e^r with n = round(x / ln 2) and |r| <= ln(2) / 2, e^r = 1 + r + r^2 q(r) by Taylor's series."""
    magic = 1.5 * 2.0**mantissa  # added to a small number, leaves its nearest integer in the low bits
    taylor = tuple(1.0 / factorial(n) for n in range(degree, 1, -1))

    def exp(x):
        x = where(x < lowest, lowest, where(highest < x, highest, x))
        shifted = fma(x, 1.4426950408889634, magic)
        n = shifted - magic
        r = fma(n, -ln2_low, fma(n, -ln2_high, x))
        y = fma(r * r, _polynomial(r, taylor), r) + 1.0
        power = (bits(shifted) << bias[1]) >> bias[1]  # n, out of the low bits, with its sign
        half = power >> 1  # in two factors, so that neither overflows where the product does not
        y = y * from_bits((half + bias[0]) << mantissa)
        return y * from_bits((power - half + bias[0]) << mantissa)

    return inline(exp)


def _make_expm1(mantissa, bias, ln2_high, ln2_low, degree, lowest, highest):
    """e^x - 1 = 2 (2^(n-1) (e^r - 1) + 2^(n-1) - 1/2), as in exp; halved, so that 2^n does not overflow before it."""
    magic = 1.5 * 2.0**mantissa
    taylor = tuple(1.0 / factorial(n) for n in range(degree, 1, -1))

    def expm1(x):
        bounded = where(x < lowest, lowest, where(highest < x, highest, x))
        shifted = fma(bounded, 1.4426950408889634, magic)
        n = shifted - magic
        r = fma(n, -ln2_low, fma(n, -ln2_high, bounded))
        power = from_bits((((bits(shifted) << bias[1]) >> bias[1]) + (bias[0] - 1)) << mantissa)
        y = fma(fma(r * r, _polynomial(r, taylor), r), power, power - 0.5) * 2.0
        return where(y == 0.0, x, y)  # halves of the least numbers are lost; -0.0

    return inline(expm1)


def _make_tanh(mantissa, bias, ln2_high, ln2_low, degree, widest):
    """tanh(x) = m / (m + 2) with m = e^2x - 1 = 2^n (e^r - 1) + 2^n - 1, as in exp, so that no digit is lost near 0."""
    magic = 1.5 * 2.0**mantissa
    taylor = tuple(1.0 / factorial(n) for n in range(degree, 1, -1))

    def tanh(x):
        x = where(x < -widest, -widest, where(widest < x, widest, x)) * 2.0
        shifted = fma(x, 1.4426950408889634, magic)
        n = shifted - magic
        r = fma(n, -ln2_low, fma(n, -ln2_high, x))
        power = from_bits((((bits(shifted) << bias[1]) >> bias[1]) + bias[0]) << mantissa)
        m = fma(fma(r * r, _polynomial(r, taylor), r), power, power - 1.0)
        return m / (m + 2.0)

    return inline(tanh)


def _make_log(mantissa, bias, ln2_high, ln2_low, coefficients):
    """log(x) = n ln 2 + log(1 + f), sqrt(1/2) <= 1 + f < sqrt(2), log(1 + f) = f - s (f - R(s^2)), s = f / (2 + f)."""
    smallest, up = 2.0 ** (1 - bias), 2.0 ** (mantissa + 2)
    one, root = bias << mantissa, int(0.4142135623730951 * 2**mantissa)

    def log(x):
        scaled = where(x < smallest, x * up, x)
        lift = where(x < smallest, -(mantissa + 2.0), x * 0)
        word = bits(scaled) + ((1 << mantissa) - root)
        n = to_float((word >> mantissa) - bias) + lift
        f = from_bits((word & ((1 << mantissa) - 1)) + (one - (1 << mantissa) + root)) - 1.0
        s = f / (f + 2.0)
        z = s * s
        half = f * f * 0.5
        y = n * ln2_high - (half - fma(n, ln2_low, s * fma(z, _polynomial(z, coefficients), half)) - f)
        y = where(x < INF, y, x)  # inf and NaN
        return where(0.0 < x, y, where(x < 0.0, (x - x) / (x - x), x - INF))

    return inline(log)


_exp32 = _make_exp(23, (127, 32 - 22), 0.693359375, -2.12194440e-4, 7, -105.0, 90.0)
_exp64 = _make_exp(52, (1023, 64 - 51), 6.93147180369123816490e-01, 1.90821492927058770002e-10, 13, -746.0, 711.0)


def _make_lower_half(middle, coefficients):
    """(e^-z^2 erfcx(z) / 2, e^-z^2) with erfcx by Chebyshev polynomials of u = (z - middle) / (z + middle), z >= 0.

    The first is the normal distribution function at -sqrt(2) z. The coefficients are those of `entries.erfcx`.
    """
    backwards = coefficients[:0:-1]

    def lower_half(z):
        u = (z - middle) / (z + middle)
        b_1, b_2 = z * 0.0, z * 0.0
        for c in backwards:
            b_1, b_2 = fma(u + u, b_1, c - b_2), b_1
        erfcx = fma(u, b_1, coefficients[0] - b_2)
        bell = formula.exp(0.0 - z * z)
        return erfcx * bell * 0.5, bell

    return inline(lower_half)


def _make_turns(mantissa, terms):
    """cos(2 pi v) and sin(2 pi v) as sin(2 pi q) with q within a quarter of a turn, by Taylor's series.

    Whole turns are taken off v without rounding. A v whose last digit is half a turn or more counts as 0.
    """
    magic, largest = 1.5 * 2.0**mantissa, 2.0 ** (mantissa - 1)
    taylor = tuple((-1) ** n * (2 * pi) ** (2 * n + 1) / factorial(2 * n + 1) for n in range(terms - 1, -1, -1))

    @inline
    def fraction(v):
        v = where(v <= -largest, 0.0, where(largest <= v, 0.0, v))
        return v - (v + magic - magic)

    def cos_turns(v):
        f = fraction(v)
        q = where(f < 0.0, f + 0.25, 0.25 - f)
        return q * _polynomial(q * q, taylor)

    def sin_turns(v):
        f = fraction(v)
        q = where(0.25 < f, 0.5 - f, where(f < -0.25, -0.5 - f, f))
        return q * _polynomial(q * q, taylor)

    return inline(cos_turns), inline(sin_turns)


_expm1_32 = _make_expm1(23, (127, 32 - 22), 0.693359375, -2.12194440e-4, 7, -18.0, 89.0)
_expm1_64 = _make_expm1(52, (1023, 64 - 51), 6.93147180369123816490e-01, 1.90821492927058770002e-10, 13, -38.0, 710.0)
_tanh32 = _make_tanh(23, (127, 32 - 22), 0.693359375, -2.12194440e-4, 7, 10.0)
_tanh64 = _make_tanh(52, (1023, 64 - 51), 6.93147180369123816490e-01, 1.90821492927058770002e-10, 13, 20.0)
_log32 = _make_log(
    23, 127, 6.9313812256e-01, 9.0580006145e-06, (0.24279078841, 0.28498786688, 0.40000972152, 0.66666662693)
)
_log64 = _make_log(
    52, 1023, 6.93147180369123816490e-01, 1.90821492927058770002e-10,
    (1.479819860511658591e-01, 1.531383769920937332e-01, 1.818357216161805012e-01, 2.222219843214978396e-01,
     2.857142874366239149e-01, 3.999999999940941908e-01, 6.666666666666735130e-01),
)  # fmt: skip


_lower_half32, _lower_half64 = (_make_lower_half(*erfcx) for erfcx in (ERFCX_32, ERFCX_64))


def _compiled(function, single, double):
    """Give a function of `formula` its compiled forms, of float32 and of float64; a number is a tile of one lane."""

    @overload(function, inline="always")
    def pick(x):
        if isinstance(x, Tile):
            chosen = single if x.dtype == types.float32 else double
            return lambda x: chosen(x)
        if isinstance(x, types.Float):
            chosen = single if x == types.float32 else double
            return lambda x: only_lane(chosen(one_lane(x)))
        if isinstance(x, types.Integer):
            return lambda x: only_lane(double(one_lane(float(x))))


_turns32, _turns64 = _make_turns(23, 8), _make_turns(52, 12)
for _function, _single, _double in zip((formula.cos_turns, formula.sin_turns), _turns32, _turns64, strict=True):
    _compiled(_function, _single, _double)
_compiled(formula.exp, _exp32, _exp64)
_compiled(formula.log, _log32, _log64)
_compiled(formula.expm1, _expm1_32, _expm1_64)
_compiled(formula.tanh, _tanh32, _tanh64)


@overload(formula.normal_tail, inline="always")
def _normal_tail(z):
    chosen = _lower_half32 if z.dtype == types.float32 else _lower_half64
    return lambda z: chosen(z)


@inline
def _logistic(t):
    return 1.0 / (formula.exp(0.0 - t) + 1.0)


@inline
def _log1p(x):
    """log(u) of u = 1 + x as rounded, and what was lost of x, over u (Higham, 2002, section 1.14.1: another way)."""
    u = x + 1.0
    y = formula.log(u) - (u - 1.0 - x) / u
    return where(0.0 < u, where(u < INF, y, x), formula.log(u))


_compiled(formula.logistic, _logistic, _logistic)
_compiled(formula.log1p, _log1p, _log1p)


@overload(formula.sign_bit, inline="always")
def _sign_bit(x):
    if isinstance(x, Tile):
        return lambda x: bits(x) < 0


@overload(formula.filled, inline="always")
def _filled(like, number):
    if isinstance(like, Tile):
        return lambda like, number: from_bits(bits(like) & 0) + number


@overload(formula.rounded, inline="always")
def _rounded(x, like):
    if isinstance(like, types.Float):
        return (lambda x, like: types.float32(x)) if like == types.float32 else (lambda x, like: types.float64(x))
