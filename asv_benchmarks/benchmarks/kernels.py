"""One class a fast kernel of the registry; a test fails where one is missing."""

from .common import KernelBenchmark


class FastGather(KernelBenchmark):
    kernel = "fast_gather"


class FastLinear(KernelBenchmark):
    kernel = "fast_linear"


class FastLinearRelu(KernelBenchmark):
    kernel = "fast_linear_relu"


class FastLinearReluRow(KernelBenchmark):
    kernel = "fast_linear_relu_row"


class FastLinearBackwardParams(KernelBenchmark):
    kernel = "fast_linear_backward_params"


class FastLinearDescent(KernelBenchmark):
    kernel = "fast_linear_descent"


class FastBiasBackward(KernelBenchmark):
    kernel = "fast_bias_backward"


class FastLinearBackwardInput(KernelBenchmark):
    kernel = "fast_linear_backward_input"


class FastLinearReluBackwardInput(KernelBenchmark):
    kernel = "fast_linear_relu_backward_input"


class FastLinearHadamardBackwardInput(KernelBenchmark):
    kernel = "fast_linear_hadamard_backward_input"


class FastSoftmax(KernelBenchmark):
    kernel = "fast_softmax"


class FastSoftmaxRow(KernelBenchmark):
    kernel = "fast_softmax_row"


class FastSoftmaxCrossEntropy(KernelBenchmark):
    kernel = "fast_softmax_cross_entropy"


class FastSmoothedCrossEntropy(KernelBenchmark):
    kernel = "fast_smoothed_cross_entropy"


class FastIdentity(KernelBenchmark):
    kernel = "fast_identity"


class FastRelu(KernelBenchmark):
    kernel = "fast_relu"


class FastLeakyRelu(KernelBenchmark):
    kernel = "fast_leaky_relu"


class FastLogistic(KernelBenchmark):
    kernel = "fast_logistic"


class FastTanh(KernelBenchmark):
    kernel = "fast_tanh"


class FastGelu(KernelBenchmark):
    kernel = "fast_gelu"


class FastSilu(KernelBenchmark):
    kernel = "fast_silu"


class FastIdentityDerivative(KernelBenchmark):
    kernel = "fast_identity_derivative"


class FastReluDerivative(KernelBenchmark):
    kernel = "fast_relu_derivative"


class FastLeakyReluDerivative(KernelBenchmark):
    kernel = "fast_leaky_relu_derivative"


class FastLogisticDerivative(KernelBenchmark):
    kernel = "fast_logistic_derivative"


class FastTanhDerivative(KernelBenchmark):
    kernel = "fast_tanh_derivative"


class FastGeluDerivative(KernelBenchmark):
    kernel = "fast_gelu_derivative"


class FastSiluDerivative(KernelBenchmark):
    kernel = "fast_silu_derivative"


class FastDropout(KernelBenchmark):
    kernel = "fast_dropout"


class FastLayerNorm(KernelBenchmark):
    kernel = "fast_layer_norm"


class FastLayerNormBackwardParams(KernelBenchmark):
    kernel = "fast_layer_norm_backward_params"


class FastLayerNormBackwardInput(KernelBenchmark):
    kernel = "fast_layer_norm_backward_input"


class FastLogisticOutput(KernelBenchmark):
    kernel = "fast_logistic_output"


class FastIdentityOutput(KernelBenchmark):
    kernel = "fast_identity_output"


class FastExponentialOutput(KernelBenchmark):
    kernel = "fast_exponential_output"


class FastLogLoss(KernelBenchmark):
    kernel = "fast_log_loss"


class FastBinaryCrossEntropy(KernelBenchmark):
    kernel = "fast_binary_cross_entropy"


class FastSquaredError(KernelBenchmark):
    kernel = "fast_squared_error"


class FastPoisson(KernelBenchmark):
    kernel = "fast_poisson"


class FastAbsoluteError(KernelBenchmark):
    kernel = "fast_absolute_error"


class FastHuber(KernelBenchmark):
    kernel = "fast_huber"


class FastSGDUpdate(KernelBenchmark):
    kernel = "fast_sgd_update"


class FastMomentumUpdate(KernelBenchmark):
    kernel = "fast_momentum_update"


class FastNesterovUpdate(KernelBenchmark):
    kernel = "fast_nesterov_update"


class FastAdamUpdate(KernelBenchmark):
    kernel = "fast_adam_update"


class FastAdamWUpdate(KernelBenchmark):
    kernel = "fast_adamw_update"


class FastRMSpropUpdate(KernelBenchmark):
    kernel = "fast_rmsprop_update"


class FastPenalize(KernelBenchmark):
    kernel = "fast_penalize"


class FastLimit(KernelBenchmark):
    kernel = "fast_limit"


class FastExp(KernelBenchmark):
    kernel = "fast_exp"


class FastLog(KernelBenchmark):
    kernel = "fast_log"


class FastTranspose(KernelBenchmark):
    kernel = "fast_transpose"


class FastPack(KernelBenchmark):
    kernel = "fast_pack"


class FastUnpack(KernelBenchmark):
    kernel = "fast_unpack"


class FastShuffle(KernelBenchmark):
    kernel = "fast_shuffle"
