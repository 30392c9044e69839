"""One class a plain loop of the registry; a test fails where one is missing."""

from .common import KernelBenchmark


class Linear(KernelBenchmark):
    kernel = "linear"


class LinearBackwardParams(KernelBenchmark):
    kernel = "linear_backward_params"


class LinearBackwardInput(KernelBenchmark):
    kernel = "linear_backward_input"


class Relu(KernelBenchmark):
    kernel = "relu"


class ReluDerivative(KernelBenchmark):
    kernel = "relu_derivative"


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


class Gather(KernelBenchmark):
    kernel = "gather"


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


class IdentityDerivative(KernelBenchmark):
    kernel = "identity_derivative"


class Exponential(KernelBenchmark):
    kernel = "exponential"


class Hadamard(KernelBenchmark):
    kernel = "hadamard"


class LinearHadamardBackwardInput(KernelBenchmark):
    kernel = "linear_hadamard_backward_input"


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


class LayerNorm(KernelBenchmark):
    kernel = "layer_norm"


class LayerNormBackwardParams(KernelBenchmark):
    kernel = "layer_norm_backward_params"


class LayerNormBackwardInput(KernelBenchmark):
    kernel = "layer_norm_backward_input"


class LeakyRelu(KernelBenchmark):
    kernel = "leaky_relu"


class LeakyReluDerivative(KernelBenchmark):
    kernel = "leaky_relu_derivative"


class Dropout(KernelBenchmark):
    kernel = "dropout"


class AbsoluteError(KernelBenchmark):
    kernel = "absolute_error"


class Huber(KernelBenchmark):
    kernel = "huber"


class SmoothedCrossEntropy(KernelBenchmark):
    kernel = "smoothed_cross_entropy"


class AdamWUpdate(KernelBenchmark):
    kernel = "adamw_update"


class RMSpropUpdate(KernelBenchmark):
    kernel = "rmsprop_update"


class LinearDescent(KernelBenchmark):
    kernel = "linear_descent"


class MomentumUpdate(KernelBenchmark):
    kernel = "momentum_update"


class NesterovUpdate(KernelBenchmark):
    kernel = "nesterov_update"


class AdamUpdate(KernelBenchmark):
    kernel = "adam_update"


class Gelu(KernelBenchmark):
    kernel = "gelu"


class GeluDerivative(KernelBenchmark):
    kernel = "gelu_derivative"


class Silu(KernelBenchmark):
    kernel = "silu"


class SiluDerivative(KernelBenchmark):
    kernel = "silu_derivative"
