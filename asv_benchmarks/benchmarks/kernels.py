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
