"""ONNX Runtime: it runs networks that others trained."""

from importlib import import_module

import numpy as np

from . import Case, Data, cpus


class Entrant:
    def __init__(self, case: Case, data: Data) -> None:
        if case.mode == "train":
            raise NotImplementedError("ONNX Runtime only predicts")
        onnx, runtime = import_module("onnx"), import_module("onnxruntime")
        make, kind = onnx.helper, onnx.helper.np_dtype_to_tensor_dtype(np.dtype(case.dtype))
        nodes, constants, last = [], [], len(data.weights) - 1
        for l, W in enumerate(data.weights):
            constants += [
                onnx.numpy_helper.from_array(W, f"W{l}"),
                onnx.numpy_helper.from_array(np.zeros(W.shape[1], W.dtype), f"b{l}"),
            ]
            nodes += [
                make.make_node("Gemm", [f"h{l}", f"W{l}", f"b{l}"], [f"t{l}"]),
                make.make_node("Softmax" if l == last else "Relu", [f"t{l}"], [f"h{l + 1}"]),
            ]
        inputs = [make.make_tensor_value_info("h0", kind, [None, case.sizes[0]])]
        outputs = [make.make_tensor_value_info(f"h{last + 1}", kind, [None, case.sizes[-1]])]
        graph = make.make_graph(nodes, "network", inputs, outputs, constants)
        model = make.make_model(graph, opset_imports=[make.make_opsetid("", 17)], ir_version=9)
        options = runtime.SessionOptions()
        options.intra_op_num_threads = cpus()
        cpu = ["CPUExecutionProvider"]
        self.session = runtime.InferenceSession(model.SerializeToString(), options, providers=cpu)
        self.feed = {"h0": data.X}

    def predict(self):
        return self.session.run(None, self.feed)[0]
