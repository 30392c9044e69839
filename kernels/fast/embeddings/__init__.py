"""Embeddings of the columns of X. Rows are transposed, as in softmax.py: each lane holds a row."""
