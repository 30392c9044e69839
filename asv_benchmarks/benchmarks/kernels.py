"""One class a registered kernel; a test fails where one is missing."""

from .common import KernelBenchmark


class Linear(KernelBenchmark):
    kernel = "linear"


class LinearBackwardParams(KernelBenchmark):
    kernel = "linear_backward_params"


class LinearBackwardInput(KernelBenchmark):
    kernel = "linear_backward_input"


class Relu(KernelBenchmark):
    kernel = "relu"


class ReluBackward(KernelBenchmark):
    kernel = "relu_backward"


class LinearRelu(KernelBenchmark):
    kernel = "linear_relu"


class LinearReluBackwardInput(KernelBenchmark):
    kernel = "linear_relu_backward_input"


class Softmax(KernelBenchmark):
    kernel = "softmax"


class PredictedClass(KernelBenchmark):
    kernel = "predicted_class"


class CrossEntropy(KernelBenchmark):
    kernel = "cross_entropy"


class SoftmaxCrossEntropy(KernelBenchmark):
    kernel = "softmax_cross_entropy"


class SGDUpdate(KernelBenchmark):
    kernel = "sgd_update"


class Logistic(KernelBenchmark):
    kernel = "logistic"


class LogisticDerivative(KernelBenchmark):
    kernel = "logistic_derivative"


class Tanh(KernelBenchmark):
    kernel = "tanh"


class TanhDerivative(KernelBenchmark):
    kernel = "tanh_derivative"


class Identity(KernelBenchmark):
    kernel = "identity"


class Exponential(KernelBenchmark):
    kernel = "exponential"


class Hadamard(KernelBenchmark):
    kernel = "hadamard"


class BinaryCrossEntropy(KernelBenchmark):
    kernel = "binary_cross_entropy"


class LogLoss(KernelBenchmark):
    kernel = "log_loss"


class SquaredError(KernelBenchmark):
    kernel = "squared_error"


class Poisson(KernelBenchmark):
    kernel = "poisson"


class Weigh(KernelBenchmark):
    kernel = "weigh"


class Penalize(KernelBenchmark):
    kernel = "penalize"


class Limit(KernelBenchmark):
    kernel = "limit"


class LeakyRelu(KernelBenchmark):
    kernel = "leaky_relu"


class LeakyReluDerivative(KernelBenchmark):
    kernel = "leaky_relu_derivative"


class Gelu(KernelBenchmark):
    kernel = "gelu"


class GeluDerivative(KernelBenchmark):
    kernel = "gelu_derivative"


class Silu(KernelBenchmark):
    kernel = "silu"


class SiluDerivative(KernelBenchmark):
    kernel = "silu_derivative"


class Dropout(KernelBenchmark):
    kernel = "dropout"


class AbsoluteError(KernelBenchmark):
    kernel = "absolute_error"


class Huber(KernelBenchmark):
    kernel = "huber"


class SmoothedCrossEntropy(KernelBenchmark):
    kernel = "smoothed_cross_entropy"


class Gather(KernelBenchmark):
    kernel = "gather"


class LinearDescent(KernelBenchmark):
    kernel = "linear_descent"


class MomentumUpdate(KernelBenchmark):
    kernel = "momentum_update"


class NesterovUpdate(KernelBenchmark):
    kernel = "nesterov_update"


class AdamUpdate(KernelBenchmark):
    kernel = "adam_update"


class AdamWUpdate(KernelBenchmark):
    kernel = "adamw_update"


class RMSpropUpdate(KernelBenchmark):
    kernel = "rmsprop_update"


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


class FastLinearReluBackwardInput(KernelBenchmark):
    kernel = "fast_linear_relu_backward_input"


class FastSoftmax(KernelBenchmark):
    kernel = "fast_softmax"


class FastSoftmaxRow(KernelBenchmark):
    kernel = "fast_softmax_row"


class FastSoftmaxCrossEntropy(KernelBenchmark):
    kernel = "fast_softmax_cross_entropy"


class FastLogistic(KernelBenchmark):
    kernel = "fast_logistic"


class FastLogisticDerivative(KernelBenchmark):
    kernel = "fast_logistic_derivative"


class FastTanh(KernelBenchmark):
    kernel = "fast_tanh"


class FastTanhDerivative(KernelBenchmark):
    kernel = "fast_tanh_derivative"


class FastBinaryCrossEntropy(KernelBenchmark):
    kernel = "fast_binary_cross_entropy"


class FastLogLoss(KernelBenchmark):
    kernel = "fast_log_loss"


class FastSquaredError(KernelBenchmark):
    kernel = "fast_squared_error"


class FastPoisson(KernelBenchmark):
    kernel = "fast_poisson"


class FastSGDUpdate(KernelBenchmark):
    kernel = "fast_sgd_update"


class FastMomentumUpdate(KernelBenchmark):
    kernel = "fast_momentum_update"


class FastNesterovUpdate(KernelBenchmark):
    kernel = "fast_nesterov_update"


class FastAdamUpdate(KernelBenchmark):
    kernel = "fast_adam_update"


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
