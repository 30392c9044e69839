"""Products of bfloat16: numbers rounded and paired, products of pairs in registers, denormals taken as zero."""
