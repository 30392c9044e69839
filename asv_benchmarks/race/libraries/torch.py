"""PyTorch: `nn.Sequential` and a loop over minibatches, with the fused optimizers."""

from importlib import import_module

from . import Case, Data, cpus

GATHERED_AT_ONCE = 16e6  # bytes of X, up to which it is faster to shuffle the whole epoch ahead


class Entrant:
    def __init__(self, case: Case, data: Data) -> None:
        torch = import_module("torch")
        torch.set_num_threads(cpus())
        self.torch, self.case = torch, case
        self.X, self.y = torch.from_numpy(data.X), torch.from_numpy(data.y)
        layers = []
        for start in data.weights:
            layer = torch.nn.Linear(*start.shape, dtype=self.X.dtype)
            with torch.no_grad():
                layer.weight.copy_(torch.from_numpy(start.T.copy()))
                layer.bias.zero_()
            layers += [layer, torch.nn.ReLU()]
        network = torch.nn.Sequential(*layers[:-1])
        make = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[case.optimizer]
        self.optimizer = make(network.parameters(), lr=case.learning_rate, fused=True)
        self.loss = self.compiled(lambda X, y: torch.nn.functional.cross_entropy(network(X), y))
        self.probabilities = self.compiled(lambda X: torch.softmax(network(X), dim=1))

    def compiled(self, function):
        return function

    def minibatches(self):
        order, X, y = self.torch.randperm(len(self.X)), self.X, self.y
        if X.nbytes <= GATHERED_AT_ONCE:
            yield from zip(X[order].split(self.case.batch), y[order].split(self.case.batch), strict=True)
        else:
            for rows in order.split(self.case.batch):
                yield X[rows], y[rows]

    def epoch(self):
        for X, y in self.minibatches():
            self.optimizer.zero_grad(set_to_none=True)
            self.loss(X, y).backward()
            self.optimizer.step()

    def predict(self):
        with self.torch.inference_mode():
            return self.probabilities(self.X)
