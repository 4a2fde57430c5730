"""The exponential in float32 as a compiled function that loops can be vectorised with."""

from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic

from pellucid.kernels.compiled import compiled_as_numpy

_ONE, _HALF = np.float32(1.0), np.float32(0.5)
_LOG2_E = np.float32(1.4426950408889634)
# ln 2 in two parts, the first short enough that its product with an exponent is exact
_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
_LOWEST, _HIGHEST = np.float32(-87.0), np.float32(88.0)
_C2, _C3, _C4 = np.float32(1 / 2), np.float32(1 / 6), np.float32(1 / 24)
_C5, _C6, _C7 = np.float32(1 / 120), np.float32(1 / 720), np.float32(1 / 5040)
_BIAS, _SHIFT = np.int32(127), np.int32(23)


def _float_of_bits(context: Any, bits: Any) -> Any:
    """Return the float32 that has the given bits."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(types.float32))

    return types.float32(types.int32), generate


_as_float: Any = intrinsic(_float_of_bits)


@compiled_as_numpy
def exponential(x: np.float32) -> np.float32:
    """Return eˣ to about one part in ten million; below -87 the value there, nearly 0.

    x = k ln 2 + r with |r| <= ln 2 / 2, a polynomial in r, and k put into the exponent's bits.
    """
    bounded = min(max(x, _LOWEST), _HIGHEST)
    k = np.floor(bounded * _LOG2_E + _HALF)
    r = bounded - k * _LN2_HIGH - k * _LN2_LOW
    p = _ONE + r * (_ONE + r * (_C2 + r * (_C3 + r * (_C4 + r * (_C5 + r * (_C6 + r * _C7))))))
    power = _as_float(np.int32((np.int32(k) + _BIAS) << _SHIFT))
    found: np.float32 = p * power
    return found
