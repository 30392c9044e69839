"""Training on sources: the rows of pieces that are read while kernels run, in order or shuffled."""

import threading

import numpy as np
import pytest

import fastbp
from fastbp import schedules
from fastbp.callbacks import Checkpoint, EarlyStopping
from fastbp.data import Pieces
from fastbp.data.sources.streamed import Streamed
from fastbp.training import feeds
from fastbp.training.checkpoints import folder

random = np.random.default_rng(3)
X = random.standard_normal((500, 7)).astype("float32")
y = (X @ random.standard_normal((7, 3))).argmax(axis=1)
w = random.uniform(0.5, 2, 500).astype("float32")
HISTORY = "loss", "accuracy", "val_loss", "val_accuracy"


def cut(*arrays, each=60):
    """A function that gives rows in pieces."""
    if len(arrays) == 1:
        return lambda: (arrays[0][at : at + each] for at in range(0, len(arrays[0]), each))
    return lambda: (tuple(a[at : at + each] for a in arrays) for at in range(0, len(arrays[0]), each))


class Batches:
    """What Keras calls a PyDataset."""

    def __init__(self, *arrays, each=60):
        self.arrays, self.each, self.ended = arrays, each, 0

    def __len__(self):
        return -(-len(self.arrays[0]) // self.each)

    def __getitem__(self, number):
        at = slice(number * self.each, (number + 1) * self.each)
        return tuple(a[at] for a in self.arrays)

    def on_epoch_end(self):
        self.ended += 1


def bits(model):
    state = model.get_state()
    slots = {name: slot.tobytes() for name, slot in state["optimizer"].items()}
    return state["parameters"].tobytes(), slots, state["steps"], state["random"]


def model(**settings):
    return fastbp.Model([7, 11, 3], **{"seed": 0, "optimizer": "adam"} | settings)


@pytest.mark.parametrize("each", [1, 59, 64, 500])
@pytest.mark.parametrize("batch_size", [1, 64, 499, 500, 900])
def test_a_source_in_order_trains_to_the_bits_of_the_arrays(each, batch_size):
    if each == 1 and batch_size == 1:
        return
    settings = {"epochs": 2, "batch_size": batch_size, "shuffle": False, "verbose": 0}
    one, other, few = model(dropout=0.2), model(dropout=0.2), model(dropout=0.2)
    expected = one.fit(X, y, **settings)
    found = other.fit(cut(X, y, each=each), **settings)
    tight = few.fit(Pieces(cut(X, y, each=each), memory=100 * batch_size), **settings)  # a block is one minibatch
    assert bits(one) == bits(other) == bits(few)
    assert expected.loss == found.loss == tight.loss and expected.accuracy == found.accuracy == tight.accuracy


def test_a_last_minibatch_is_split_into_blocks_as_in_arrays():
    settings = {"epochs": 2, "batch_size": 250, "shuffle": False, "verbose": 0}
    rows, labels = np.concatenate([X, X[:130]]), np.concatenate([y, y[:130]])  # 130 rows alone would have fewer blocks
    nets = [fastbp.Model([7, 300, 3], seed=0) for _ in range(2)]
    assert nets[0]._plan._blocks(250) != nets[0]._plan._blocks(130)
    nets[0].fit(rows, labels, **settings)
    nets[1].fit(Pieces(cut(rows, labels), memory=2 * 250 * 44), **settings)
    assert bits(nets[0]) == bits(nets[1])


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("dtype", ["float64", "uint8", "float32"])
@pytest.mark.parametrize("kernels", ["fast", "elementwise"])
def test_bits_are_those_of_the_arrays_with_all_settings(dtype, kernels, drop_last):
    rows = X.astype(dtype) if dtype != "uint8" else (50 * X + 100).clip(0, 255).astype(dtype)
    make = {"kernels": kernels, "input_shift": np.arange(7.0), "input_scale": 0.01, "dtype": "float64"}
    settings = {"epochs": 2, "batch_size": 64, "shuffle": False, "verbose": 0, "drop_last": drop_last}
    settings |= {"class_weight": {0: 2.0, 2: 0.5}, "schedule": schedules.Cosine(warm_up=0.1)}
    one, other = model(**make), model(**make)
    expected = one.fit(rows, y, sample_weight=w, **settings)
    found = other.fit(Pieces(cut(rows, y, w), rows=500, memory=100_000), **settings)
    assert bits(one) == bits(other) and expected.loss == found.loss


def test_losses_of_numbers_names_of_classes_and_balanced_weights():
    numbers = X @ random.standard_normal((7, 2))
    settings = {"epochs": 2, "shuffle": False, "verbose": 0}
    one, other = (fastbp.Model([7, 5, 2], loss="squared_error", seed=1) for _ in range(2))
    one.fit(X, numbers, **settings)
    other.fit(cut(X, numbers), **settings)
    assert bits(one) == bits(other)
    names = np.array(["one", "two", "three"])
    one, other = model(class_names=names.tolist()), model(class_names=names.tolist())
    one.fit(X, names[y], class_weight="balanced", **settings)
    other.fit(Batches(X, names[y]), class_weight="balanced", **settings)
    assert bits(one) == bits(other)
    assert (other.predict(Batches(X)) == one.predict(X)).all()


def orders(source, seed_key, memory=None, batch_size=8):
    """The rows of an epoch in their order, by the number in their first column."""
    net = fastbp.Model([7, 3], seed=0)
    windows = feeds.windows(Streamed(net, source), seed_key, batch_size, False, 0)
    return np.concatenate([window.data.samples.X[window.order, 0].astype(int) for window in windows])


def test_shuffling_takes_each_row_once_in_an_order_of_the_key_alone():
    rows = np.repeat(np.arange(500.0)[:, None], 7, axis=1)
    source = Pieces(Batches(rows, y, each=20), memory=2 * 100 * 72)  # blocks of 96 rows
    one = orders(source, 5)
    assert sorted(one) == list(range(500))
    assert (orders(source, 5) == one).all() and (orders(source, 6) != one).any()
    blocks = [set(one[at : at + 96] // 20) for at in range(0, 500, 96)]
    assert all(5 <= len(block) <= 6 for block in blocks[:-1])  # of whole pieces, but for the first and the last
    assert not any((np.diff(one[at : at + 96]) > 0).all() for at in range(0, 480, 96))  # and mixed within
    order = [piece for block in blocks for piece in block]
    assert order != sorted(order)
    as_given = Pieces(cut(rows, y, each=20), memory=2 * 100 * 72)
    assert (orders(as_given, 5) == orders(Pieces(cut(rows, y, each=7), memory=2 * 100 * 72), 5)).all()


def test_the_same_seed_trains_the_same_and_threads_change_nothing():
    def trained(seed, **settings):
        net = fastbp.Model([7, 300, 3], seed=seed, **settings)
        net.fit(Batches(X, y), epochs=2, batch_size=250, verbose=0)
        return net._flat.tobytes()

    assert trained(1, n_threads=1) == trained(1) != trained(2)


def test_validation_and_callbacks_take_sources():
    settings = {"epochs": 6, "batch_size": 50, "shuffle": False, "verbose": 0}
    stops = [EarlyStopping(patience=1, min_delta=0.05) for _ in range(2)]
    one, other = model(), model()
    expected = one.fit(X[:400], y[:400], validation_data=(X[400:], y[400:]), callbacks=stops[0], **settings)
    found = other.fit(cut(X[:400], y[:400]), validation_data=cut(X[400:], y[400:]), callbacks=stops[1], **settings)
    assert bits(one) == bits(other) and stops[0].stopped_epoch == stops[1].stopped_epoch
    assert all(getattr(expected, name) == getattr(found, name) for name in HISTORY)
    mixed = model().fit(cut(X[:400], y[:400]), validation_data=(X[400:], y[400:]), **settings)
    assert mixed.val_loss[: len(found.val_loss)] == found.val_loss


def test_scores_and_predictions_are_those_of_the_arrays(monkeypatch):
    net = model()
    net.fit(X, y, sample_weight=w, epochs=3, verbose=0)
    assert net.evaluate(cut(X, y)) == net.evaluate(X, y)
    monkeypatch.setattr(feeds, "IN_ORDER_BYTES", 4000)  # several blocks
    for given, arrays in ((cut(X, y), (X, y)), (cut(X, y, w), (X, y, w))):
        assert net.evaluate(given) == pytest.approx(net.evaluate(*arrays), rel=1e-12)
    assert net.predict_proba(cut(X)).tobytes() == net.predict_proba(X).tobytes()
    assert (net.predict(Batches(X, y)) == net.predict(X)).all()
    assert (net.predict(Pieces(cut(X, y), rows=500)) == net.predict(X)).all()


def test_pytorch_gives_rows_one_by_one_or_in_batches():
    torch = pytest.importorskip("torch")

    class Rows(torch.utils.data.IterableDataset):
        def __iter__(self):
            return iter(zip(torch.from_numpy(X), torch.from_numpy(y), strict=True))

    class Numbered(torch.utils.data.Dataset):
        def __len__(self):
            return len(X)

        def __getitem__(self, number):
            return torch.from_numpy(X[number]), int(y[number])

    settings = {"epochs": 2, "shuffle": False, "verbose": 0}
    expected = model()
    expected.fit(X, y, **settings)
    for given in (Rows(), torch.utils.data.DataLoader(Rows(), batch_size=33), Numbered()):
        found = model()
        found.fit(given, **settings)
        assert bits(found) == bits(expected)


def test_the_end_of_an_epoch_is_told_once():
    batches = Batches(X, y)
    model().fit(batches, epochs=3, verbose=0)
    assert batches.ended == 3
    model().evaluate(batches)
    assert batches.ended == 3


def test_columns_of_frames_name_the_inputs():
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("narwhals")
    frame = pandas.DataFrame(X, columns=list("abcdefg"))
    net = model()
    net.fit(cut(frame, y), epochs=1, verbose=0)
    assert net.feature_names == list("abcdefg")
    with pytest.raises(ValueError, match="missing: 'a'"):
        net.evaluate(cut(frame.rename(columns={"a": "z"}), y))


def ended_after(train, monkeypatch, each):
    """Call `train` until it ends, with an error after every so many checkpoints."""

    class Ended(BaseException):
        pass

    write, written = folder.write, []

    def ending(*arguments):
        write(*arguments)
        written.append(1)
        if len(written) % each == 0:
            raise Ended

    monkeypatch.setattr(folder, "write", ending)
    for ended in range(1000):
        try:
            result = train()
        except Ended:
            continue
        monkeypatch.setattr(folder, "write", write)
        return result, ended
    raise AssertionError


@pytest.mark.parametrize("make", [cut, Batches], ids=["function", "data set"])
@pytest.mark.parametrize("every", ["3 steps", "5 steps", "1 epoch"])
@pytest.mark.parametrize("shuffle", [True, False])
def test_a_training_goes_on_within_an_epoch_to_the_same_bits(tmp_path, monkeypatch, make, every, shuffle):
    def train(where):
        net = model(dropout=0.1)
        watching = [EarlyStopping(patience=2), *([] if where is None else [Checkpoint(where, every)])]
        source = Pieces(make(X, y), memory=2 * 64 * 50)  # blocks of one minibatch or some
        settings = {"epochs": 4, "batch_size": 33, "shuffle": shuffle, "validation_data": cut(X, y), "verbose": 0}
        return net, net.fit(source, callbacks=watching, resume=where, **settings)

    expected, history = train(None)
    (found, other), ended = ended_after(lambda: train(tmp_path / "run"), monkeypatch, 2)
    assert ended > 1 and bits(found) == bits(expected)
    assert all(getattr(history, name) == getattr(other, name) for name in HISTORY)


def test_a_checkpoint_refuses_another_source(tmp_path):
    settings = {"epochs": 1, "verbose": 0, "callbacks": Checkpoint(tmp_path), "resume": tmp_path}
    model().fit(Batches(X, y), **settings)
    with pytest.raises(ValueError, match="X is .*memory"):
        model().fit(Pieces(Batches(X, y), memory=10_000_000), **settings)
    with pytest.raises(ValueError, match="X is"):
        model().fit(X, y, **settings)


def test_steps_of_a_schedule_that_needs_no_end_are_those_of_the_arrays():
    settings = {"epochs": 3, "batch_size": 64, "shuffle": False, "verbose": 0, "schedule": schedules.InverseScaling()}
    one, other = model(), model()
    one.fit(X, y, **settings)
    other.fit(Pieces(cut(X, y), memory=20_000), **settings)
    assert bits(one) == bits(other)


@pytest.mark.parametrize(
    "schedule", [schedules.Cosine(), schedules.OneCycle(), schedules.StepDecay(), schedules.CosineWaves()], ids=str
)
def test_a_schedule_that_needs_the_number_of_steps_says_so(schedule):
    net = model()
    before = bits(net)
    with pytest.raises(ValueError, match=f"schedule {type(schedule).__name__} needs the number of steps.*rows="):
        net.fit(cut(X, y), schedule=schedule, epochs=1, verbose=0)
    assert bits(net) == before


def test_pieces_are_read_by_one_thread_which_ends():
    threads = set()

    def pieces():
        for at in range(0, 500, 50):
            threads.add(threading.current_thread())
            yield X[at : at + 50], y[at : at + 50]

    model().fit(pieces, epochs=1, batch_size=25, verbose=0)
    assert len(threads) == 1 and threading.main_thread() not in threads
    assert not any(thread.is_alive() for thread in threads)
