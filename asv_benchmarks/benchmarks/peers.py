"""The peers on the same work, one class each; those not installed are skipped. The race compares more fairly."""

import functools

import libraries

STEPS = 32
ROWS = 1000


@functools.lru_cache(maxsize=1)
def entrant(name, case):
    """Return an entrant that has run once. asv sets up anew for each sample; some peers would compile for seconds."""
    try:
        made = libraries.entrant(name, case)
    except ImportError as error:
        raise NotImplementedError(f"{name} is not installed") from error
    (made.epoch if case.mode == "train" else made.predict)()
    return made


class _Peer:
    """Time of 32 minibatch steps, or of 1,000 rows predicted in one call or in calls of a single row."""

    name: str
    param_names = ["case"]
    params = (
        [
            "train:64-32-10:32:sgd",
            "train:784-128-10:64:adam",
            "train:784-512-512-10:128:sgd",
            "train:784-512-512-10:128:sgd:float64",
            "predict:784-512-512-10:1000",
            "predict:784-512-512-10:1",
        ],
    )
    number = 1  # training goes on from call to call, to other weights by the same work

    def setup(self, case):
        parsed = libraries.Case.parse(case, STEPS)
        self.entrant = entrant(self.name, parsed)
        self.calls = 1 if parsed.mode == "train" else ROWS // parsed.rows
        self.run = self.entrant.epoch if parsed.mode == "train" else self.entrant.predict

    def time_case(self, case):
        for _ in range(self.calls):
            self.run()


class Fastbp(_Peer):
    name = "fastbp"


class JAX(_Peer):
    name = "jax"


class PyTorch(_Peer):
    name = "torch"


class PyTorchCompiled(_Peer):
    name = "torch_compile"
    timeout = 300  # of which compiling takes most


class ScikitLearn(_Peer):
    name = "sklearn"


class ONNXRuntime(_Peer):
    name = "onnxruntime"
