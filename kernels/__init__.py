"""The compiled kernels; imported as ``fastbp.kernels``, and knowing nothing of the rest of fastbp."""

if __name__ != "fastbp.kernels":
    raise ImportError(f"import these as fastbp.kernels, not as {__name__}")
