"""The shape of a register tile, which must fit the CPU's vector registers."""

import platform

from numba.core.registry import cpu_target

from ..library.loading import library


def tile_shape(features: str, machine: str) -> tuple[int, int]:
    """(rows, vectors) of the tile whose sums, one row of vectors and one splat fit the CPU's vector registers."""
    if "+avx512f" in features:
        return 8, 2  # 16 of 32 registers: fewer loads a product than any other shape that LLVM keeps in registers
    if "+avx" in features:
        return 4, 1  # a vector is two registers of sixteen
    if machine in ("aarch64", "arm64"):
        return 4, 1  # a vector is four registers of thirty-two
    return 2, 1  # SSE: four registers of sixteen


FEATURES: str = cpu_target.target_context.codegen()._tm_features  # what Numba compiles for, NUMBA_CPU_FEATURES heeded
ROWS, VECTORS = library().tile if library() else tile_shape(FEATURES, platform.machine())  # what is mixed agrees
HALF = ROWS // 2  # rows of the tile for what is left of them: numbers of rows are filled up to this
NARROW = 2  # columns, one or two outputs, of which a tile would leave most lanes empty
