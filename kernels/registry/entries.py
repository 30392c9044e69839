"""The table of kernels. Tests, benchmarks, the profiler and the equation table in README.md read it.

An entry states what a kernel computes and what that costs; sizes are B rows, I inputs, O outputs. Costs are the
least that the equations ask for: every input read once, every output written once, an exp, log or sqrt as one FLOP.

Every entry is called alike, with plain matrices: `entry.call(variant, *entry.sample(...))`. A plain loop has the
variants "serial" and "parallel". A fast kernel has "fast", and as "reference" the plain loop that it must agree with.

Entries of activations, losses and optimizers follow from their lists (pointwise.py); all others are written here.
"""

from functools import partial

from ..activations import IDENTITY, RELU, TANH
from ..fast import (
    csr,
    dropout,
    gather,
    in_place,
    linear,
    normalization,
    panels,
    row_product,
    shuffle,
    softmax,
)
from ..fast.embeddings import categories, numbers
from ..fast.members import scales
from ..losses import CrossEntropy
from ..specification import embedding, members, paper, products, regularization, scaling, sparse
from ..specification import normalization as plain_normalization
from ..tasks import sparse_kernels
from ..tasks.update_kernels import make_update, make_update_csr
from . import adapters, embedding_adapters, kernels, member_adapters, row_adapters, sparse_adapters
from .entry import Entry
from .pointwise import fast_entries, fast_entry, plain_entries

_WRITTEN = (
    (paper.linear, "BO BI IO O", lambda B, I, O: 2 * B * I * O),
    (paper.linear_backward_params, "IO O BI BO", lambda B, I, O: 2 * B * I * O + B * O),
    (paper.linear_backward_input, "BI BO IO", lambda B, I, O: 2 * B * I * O),
    (paper.relu, "BO BO", lambda B, I, O: B * O),
    (paper.relu_derivative, "BO h:BO", lambda B, I, O: 0),
    (paper.relu_backward, "BO BO h:BO", lambda B, I, O: B * O),
    (paper.linear_relu, "BO BI IO O", lambda B, I, O: 2 * B * I * O + B * O),
    (paper.linear_relu_backward_input, "BI BO IO h:BI", lambda B, I, O: 2 * B * I * O + B * I),
    (paper.softmax, "BO BO", lambda B, I, O: 5 * B * O),
    (paper.predicted_class, "y BO", lambda B, I, O: B * O),
    (paper.cross_entropy, "B z:BO y", lambda B, I, O: 2 * B, lambda B, I, O: 3 * B),  # one probability a row
    (paper.softmax_cross_entropy, "BO B BO y", lambda B, I, O: 6 * B * O + 4 * B),
    (paper.sgd_update, "IO* IO* 0.1", lambda B, I, O: 2 * I * O),
    (paper.gather, "BI BI order I I", lambda B, I, O: 2 * B * I),
    (products.exponential, "BO BO", lambda B, I, O: B * O),
    (products.hadamard, "BO BO BO", lambda B, I, O: B * O),
    (products.linear_hadamard_backward_input, "BI BO IO BI", lambda B, I, O: 2 * B * I * O + B * I),
    (products.linear_descent, "IO O BI BO 0.1", lambda B, I, O: 2 * (B + 1) * I * O + B * O + 2 * O),
    (products.smoothed_cross_entropy, "BO B BO y 0.1", lambda B, I, O: 8 * B * O + 6 * B),
    (regularization.weigh, "BO B B 0.5", lambda B, I, O: 2 * B * O + B),
    (regularization.penalize, "IO* IO* 0.1 0.2", lambda B, I, O: 8 * I * O),
    (regularization.limit, "IO* 1.5 2.5", lambda B, I, O: 3 * I * O),
    (regularization.dropout, "BO 0.25 i8:64 i8:12345", lambda B, I, O: B * O),
    (plain_normalization.layer_norm, "BO BO B BO O O", lambda B, I, O: 7 * B * O + 5 * B),
    (plain_normalization.layer_norm_backward_params, "BO O O BO BO O", lambda B, I, O: 4 * B * O),
    (plain_normalization.layer_norm_backward_input, "BO BO BO v:B", lambda B, I, O: 7 * B * O + 2 * B),
    (scaling.scale_inputs, "BI I", lambda B, I, O: B * I),
    (scaling.scale_backward, "I I IO IO", lambda B, I, O: 2 * I * O + I),
    (members.spread_members, "OBI BI OI", lambda B, I, O: B * I * O),
    (members.member_scales_backward, "OI OBI BI", lambda B, I, O: 2 * B * I * O),
    (members.mean_of_members, "BI OBI", lambda B, I, O: B * I * O),
    (members.log_of_mean, "BI v:BI", lambda B, I, O: B * I),
    (embedding.embed_numbers, "BIE BI IH IH IEH IE", lambda B, I, O: 9 * B * I * O),
    (embedding.embed_numbers_backward, "IH IH IEH IE BIE BI IH IH IEH", lambda B, I, O: 20 * B * I * O),
    (embedding.embed_category, "BO levels IO", lambda B, I, O: 0),
    (embedding.embed_category_backward, "IO BO levels", lambda B, I, O: B * O),
    (sparse.linear_csr, "BO entries columns ends IO O", lambda B, I, O: 2 * B * I * O),
    (sparse.offset_bias, "O I IO O", lambda B, I, O: 2 * I * O),
    (sparse.linear_csr_backward_params, "IO entries columns ends BO", lambda B, I, O: 2 * B * I * O),
    (sparse.linear_csr_descent, "IO entries columns ends BO 0.1", lambda B, I, O: 2 * (B + 1) * I * O),
    (sparse.gather_csr, "entries columns ends entries columns indptr order I", lambda B, I, O: B * I),
    (sparse.scatter_csr, "BI entries columns indptr order I", lambda B, I, O: 2 * B * I),
    (sparse.sort_csr, "bounds columns entries entries columns ends", lambda B, I, O: 0),
)  # plain loop, arguments, FLOP, and numbers read and written where that is not each argument once

_PLAIN = {loop.__name__: Entry(loop.__name__, loop, *given) for loop, *given in _WRITTEN}
_PLAIN |= plain_entries(_PLAIN)

_OUTPUT = partial(adapters.output, CrossEntropy())
_INPUT = adapters.linear_backward_input
_FAST = (
    ("gather", gather.gather, adapters.gather),
    ("linear", linear.linear_forward, partial(adapters.linear, IDENTITY)),
    ("linear_relu", linear.linear_forward, partial(adapters.linear, RELU)),
    ("linear_relu", in_place.linear_in_place, row_adapters.linear_in_place, "_in_place"),
    ("linear_relu", row_product.linear_row, row_adapters.linear_relu_row, "_row"),
    ("linear_relu", row_product.linear_row, row_adapters.linear_relu_tail_row, "_tail_row"),
    ("linear_backward_params", linear.linear_backward_params, adapters.linear_backward_params),
    ("linear_descent", linear.linear_backward_params, adapters.linear_descent),
    ("linear_backward_input", linear.linear_backward_input, partial(_INPUT, IDENTITY, False)),
    ("linear_relu_backward_input", linear.linear_backward_input, partial(_INPUT, RELU, False)),
    ("linear_hadamard_backward_input", linear.linear_backward_input, partial(_INPUT, TANH, True)),
    ("softmax", softmax.softmax, _OUTPUT),
    ("softmax", softmax.softmax_row, partial(row_adapters.output_row, "softmax"), "_row"),
    ("softmax_cross_entropy", softmax.softmax_cross_entropy, adapters.softmax_cross_entropy),
    ("smoothed_cross_entropy", softmax.softmax_cross_entropy, adapters.softmax_cross_entropy),
    ("dropout", dropout.dropout, adapters.dropout),
    ("layer_norm", normalization.layer_norm, adapters.layer_norm),
    ("layer_norm_backward_params", normalization.layer_norm_backward_params, adapters.layer_norm_backward_params),
    ("layer_norm_backward_input", normalization.layer_norm_backward_input, adapters.layer_norm_backward_input),
    ("scale_inputs", linear.scale_inputs, adapters.scale_inputs),
    ("scale_backward", linear.scale_backward, adapters.scale_backward),
    ("spread_members", scales.spread, member_adapters.spread_members),
    ("member_scales_backward", scales.member_scales_backward, member_adapters.member_scales_backward),
    ("embed_numbers", numbers.embed_number, embedding_adapters.embed_numbers),
    ("embed_numbers_backward", numbers.embed_number_backward, embedding_adapters.embed_numbers_backward),
    ("embed_category", categories.embed_category, embedding_adapters.embed_category),
    ("embed_category_backward", categories.embed_category_backward, embedding_adapters.embed_category_backward),
    ("penalize", make_update, adapters.penalize),
    ("limit", make_update, adapters.limit),
    ("linear_csr", csr.linear_forward_csr, sparse_adapters.linear_csr),
    ("linear_csr", csr.linear_in_place_csr, sparse_adapters.linear_csr_in_place, "_in_place"),
    ("offset_bias", sparse_kernels.offset_bias, sparse_adapters.offset_bias),
    ("linear_csr_backward_params", make_update_csr, sparse_adapters.linear_csr_backward_params),
    ("linear_csr_descent", csr.descend_csr, sparse_adapters.linear_csr_descent),
    ("gather_csr", gather.gather_entries, sparse_adapters.gather_csr),
    ("scatter_csr", gather.scatter_entries, sparse_adapters.scatter_csr),
    ("sort_csr", csr.sort_entries, sparse_adapters.sort_csr),
)  # reference, where the fast kernel stands, what calls it, and the end of its name
_ALONE = (
    Entry("fast_exp", kernels.exp_vectors, "BO* BO*", lambda B, I, O: B * O, adapter=adapters.exp),
    Entry("fast_log", kernels.log_vectors, "BO* v:BO*", lambda B, I, O: B * O, adapter=adapters.log),
    Entry("fast_bias_backward", linear.bias_backward, "O BO", lambda B, I, O: B * O, adapter=adapters.bias_backward),
    Entry("fast_transpose", linear.transpose_rows, "OI IO", lambda B, I, O: 0, adapter=adapters.transpose),
    Entry("fast_pack", panels.pack, "panels:IO IO", lambda B, I, O: 0, adapter=adapters.pack),
    Entry("fast_unpack", panels.unpack, "IO panels:IO", lambda B, I, O: 0, adapter=adapters.unpack),
    Entry("fast_shuffle", shuffle.shuffle, "order i8:54", lambda B, I, O: 0, adapter=adapters.shuffle),
)  # fast kernels without a plain loop

KERNELS: dict[str, Entry] = _PLAIN | {
    entry.name: entry for entry in (*(fast_entry(_PLAIN, *given) for given in _FAST), *fast_entries(_PLAIN), *_ALONE)
}
