"""exp, log, tanh and the logistic function of a tile: subnormals, infinities and NaN included, to 2 ulp or to 3."""

from math import factorial

from numba import types
from numba.extending import overload

from ._jit import inline
from .simd import Tile
from .values import bits, fma, from_bits, to_float, where_less

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
        x = where_less(x, lowest, lowest, where_less(highest, x, highest, x))
        shifted = fma(x, 1.4426950408889634, magic)
        n = shifted - magic
        r = fma(n, -ln2_low, fma(n, -ln2_high, x))
        y = fma(r * r, _polynomial(r, taylor), r) + 1.0
        power = (bits(shifted) << bias[1]) >> bias[1]  # n, out of the low bits, with its sign
        half = power >> 1  # in two factors, so that neither overflows where the product does not
        y = y * from_bits((half + bias[0]) << mantissa)
        return y * from_bits((power - half + bias[0]) << mantissa)

    return inline(exp)


def _make_tanh(mantissa, bias, ln2_high, ln2_low, degree, widest):
    """tanh(x) = m / (m + 2) with m = e^2x - 1 = 2^n (e^r - 1) + 2^n - 1, as in exp, so that no digit is lost near 0."""
    magic = 1.5 * 2.0**mantissa
    taylor = tuple(1.0 / factorial(n) for n in range(degree, 1, -1))

    def tanh(x):
        x = where_less(x, -widest, -widest, where_less(widest, x, widest, x)) * 2.0
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
        scaled = where_less(x, smallest, x * up, x)
        lift = where_less(x, smallest, -(mantissa + 2.0), x * 0)
        word = bits(scaled) + ((1 << mantissa) - root)
        n = to_float((word >> mantissa) - bias) + lift
        f = from_bits((word & ((1 << mantissa) - 1)) + (one - (1 << mantissa) + root)) - 1.0
        s = f / (f + 2.0)
        z = s * s
        half = f * f * 0.5
        y = n * ln2_high - (half - fma(n, ln2_low, s * fma(z, _polynomial(z, coefficients), half)) - f)
        y = where_less(x, INF, y, x)  # inf and NaN
        return where_less(0.0, x, y, where_less(x, 0.0, (x - x) / (x - x), x - INF))

    return inline(log)


_exp32 = _make_exp(23, (127, 32 - 22), 0.693359375, -2.12194440e-4, 7, -105.0, 90.0)
_exp64 = _make_exp(52, (1023, 64 - 51), 6.93147180369123816490e-01, 1.90821492927058770002e-10, 13, -746.0, 711.0)


def _make_lower_half(middle, coefficients):
    """(e^-z^2 erfcx(z) / 2, e^-z^2) with erfcx by Chebyshev polynomials of u = (z - middle) / (z + middle), z >= 0.

    The first is the normal distribution function at -sqrt(2) z. The coefficients were computed with mpmath from
    erfcx(z) = e^z^2 erfc(z) at the Chebyshev points (Shepherd and Laframboise, 1981, for the method).
    """
    backwards = coefficients[:0:-1]

    def lower_half(z):
        u = (z - middle) / (z + middle)
        b_1, b_2 = z * 0.0, z * 0.0
        for c in backwards:
            b_1, b_2 = fma(u + u, b_1, c - b_2), b_1
        erfcx = fma(u, b_1, coefficients[0] - b_2)
        bell = exp(0.0 - z * z)
        return erfcx * bell * 0.5, bell

    return inline(lower_half)


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


_lower_half32 = _make_lower_half(2.0, (
    0.37737609962585944, -0.4825091196506807, 0.12232459533097705, -0.017831149719276792, 0.00032117365249439837,
    0.0003503952564796157, -2.243880650620326e-05, -1.0537433119356064e-05, 5.671331132647553e-07,
    4.297681576665876e-07, 5.104952512865143e-09, -1.8899699318179602e-08,
))  # fmt: skip
_lower_half64 = _make_lower_half(2.5, (
    0.3508635989347412, -0.46758451502326537, 0.14466752627054558, -0.03225585577766062, 0.0045382840770419024,
    -0.00016930359610672677, -7.0670902291566e-05, 1.0006166704684694e-05, 1.2973400733871608e-06,
    -3.432369722001724e-07, -3.7305855623638205e-08, 1.1863618686108316e-08, 1.6734599568799227e-09,
    -4.0791054707715897e-10, -9.270040149033463e-11, 1.1685304684804743e-11, 5.244491717805105e-12,
    -6.793059800050828e-14, -2.696235923968709e-13, -2.813139162261815e-14, 1.0834168217026959e-14,
    3.049229588839326e-15, -1.6488392791743266e-16, -2.038420850533605e-16, -2.3927864788278602e-17,
    8.332538195829855e-18,
))  # fmt: skip


def lower_half(z):
    """(normal distribution function at -sqrt(2) z, e^-z^2) of a tile, z >= 0."""
    raise TypeError("for compiled code")


def exp(x):
    """e^x of a tile."""
    raise TypeError("for compiled code")


def log(x):
    """Natural logarithm of a tile: log(0) = -inf, log(x < 0) = NaN."""
    raise TypeError("for compiled code")


def tanh(x):
    """Hyperbolic tangent of a tile."""
    raise TypeError("for compiled code")


def _by_width(function, single, double):
    @overload(function, inline="always")
    def pick(x):
        if isinstance(x, Tile):
            chosen = single if x.dtype == types.float32 else double
            return lambda x: chosen(x)


_by_width(exp, _exp32, _exp64)
_by_width(log, _log32, _log64)
_by_width(tanh, _tanh32, _tanh64)
_by_width(lower_half, _lower_half32, _lower_half64)


@inline
def logistic(t):
    """1 / (1 + e^-t) of a tile."""
    return 1.0 / (exp(0.0 - t) + 1.0)
