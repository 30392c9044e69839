"""The compiled kernels, imported as ``fastbp.kernels``. They import nothing from the rest of fastbp."""

if __name__ != "fastbp.kernels":
    raise ImportError(f"import these as fastbp.kernels, not as {__name__}")
