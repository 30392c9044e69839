"""Sources that are files: Parquet, datasets of Arrow, parts of .npy and CSV."""

import os

import numpy as np
import pytest

import fastbp
from fastbp.data import Csv, Npy, Pieces
from fastbp.data.sources.source import byte_count
from fastbp.data.sources.streamed import Streamed
from fastbp.training import feeds

random = np.random.default_rng(4)
X = random.standard_normal((300, 5)).astype("float32")
y = (X @ random.standard_normal((5, 3))).argmax(axis=1)
w = random.uniform(0.5, 2, 300).astype("float32")
NAMES = list("abcde")
SETTINGS = {"epochs": 2, "batch_size": 32, "shuffle": False, "verbose": 0}


def table(rows=slice(None), **more):
    import pyarrow

    return pyarrow.table({name: X[rows, j] for j, name in enumerate(NAMES)} | {"y": y[rows], "w": w[rows]} | more)


def parquet(path, table, group=70):
    import pyarrow.parquet

    pyarrow.parquet.write_table(table, path, row_group_size=group)
    return path


def trained(*given, **settings):
    model = fastbp.Model([5, 8, 3], seed=0)
    model.fit(*given, **SETTINGS, **settings)
    return model


def same(one, other):
    return one._flat.tobytes() == other._flat.tobytes()


@pytest.fixture
def files(tmp_path):
    pytest.importorskip("pyarrow")
    for part, rows in enumerate((slice(0, 120), slice(120, 300))):
        parquet(tmp_path / f"part-{part}.parquet", table(rows))
    return tmp_path


def test_parquet_files_train_to_the_bits_of_arrays(files):
    from fastbp.data import Parquet

    expected = trained(X, y, sample_weight=w)
    for given in (files, files / "part-*.parquet", str(files), sorted(files.iterdir())):
        source = Parquet(given, target="y", weight="w", memory=200_000)
        found = trained(source)
        assert same(found, expected) and found.feature_names == NAMES
    assert len(source) == 5 and source.rows == 300
    source = Parquet(files, "y", columns=["d", "b"])
    model = fastbp.Model([2, 3], seed=0)
    model.fit(source, **SETTINGS)
    other = fastbp.Model([2, 3], seed=0)
    other.fit(X[:, [3, 1]], y, **SETTINGS)
    assert same(model, other) and (model.predict(source) == other.predict(X[:, [3, 1]])).all()
    assert (model.predict(Parquet(files, columns=["d", "b"])) == model.predict(source)).all()


def test_columns_of_lists_booleans_text_and_several_targets(tmp_path):
    pa = pytest.importorskip("pyarrow")
    from fastbp.data import Parquet

    lists = pa.FixedSizeListArray.from_arrays(pa.array(X.reshape(-1)), 5)
    flags, text = X[:, 0] > 0, np.array(["no", "so", "yes"])[y]
    columns = {"x": lists, "flag": flags, "y": pa.array(text).dictionary_encode(), "z": X[:, 1], "n": w}
    path = parquet(tmp_path / "rows.parquet", pa.table(columns))
    both = np.column_stack([X, flags])
    named = [fastbp.Model([6, 3], seed=0, class_names=["no", "so", "yes"]) for _ in range(2)]
    named[0].fit(Parquet(path, "y", columns=["x", "flag"], memory="1 MB"), class_weight="balanced", **SETTINGS)
    named[1].fit(both, text, class_weight="balanced", **SETTINGS)
    assert same(*named) and named[0].feature_names is None
    numbers = [fastbp.Model([6, 2], seed=0, loss="squared_error") for _ in range(2)]
    numbers[0].fit(Parquet(path, ["z", "flag"], columns=["x", "n"]), **SETTINGS)
    numbers[1].fit(np.column_stack([X, w]), np.column_stack([X[:, 1], flags]), **SETTINGS)
    assert same(*numbers)


def test_datasets_of_arrow_train_to_the_bits_of_arrays(files):
    dataset = pytest.importorskip("pyarrow.dataset")
    from fastbp.data import Arrow

    source = Arrow(dataset.dataset(files), target="y", weight="w")
    assert same(trained(source), trained(X, y, sample_weight=w)) and source.rows == 300 and len(source) == 2
    with pytest.raises(TypeError, match=r"X is a dataset of Arrow; give fastbp.data.Arrow\(X, target=...\)"):
        trained(dataset.dataset(files))


def write_parts(folder, rows=X, labels=y, weights=w):
    for part, at in enumerate((slice(0, 120), slice(120, 299), slice(299, 300))):
        np.save(folder / f"X-{part}.npy", rows[at])
        np.save(folder / f"y-{part}.npy", labels[at])
        np.save(folder / f"w-{part}.npy", weights[at])


@pytest.mark.parametrize("dtype", ["float32", ">f8", "int8"])
def test_parts_of_npy_train_to_the_bits_of_arrays(tmp_path, dtype, monkeypatch):
    from fastbp.data.sources import parts

    monkeypatch.setattr(parts, "READ_BYTES", 333)
    rows = (10 * X).astype(dtype)
    write_parts(tmp_path, rows)
    source = Npy(tmp_path, weight="w*.npy")
    assert len(source) == 3 and source.rows == 300
    assert same(trained(source), trained(rows, y, sample_weight=w))


@pytest.mark.parametrize("end", ["", ".gz"])
def test_parts_of_csv_train_to_the_bits_of_arrays(tmp_path, end, monkeypatch):
    pytest.importorskip("pyarrow")
    from fastbp.data.sources import parts

    monkeypatch.setattr(parts, "CSV_BLOCK", 2000)
    for part, rows in enumerate((slice(0, 100), slice(100, 300))):
        numbers = np.column_stack([X[rows], y[rows]])
        path = tmp_path / f"part-{part}.csv{end}"
        np.savetxt(path, numbers, delimiter=";", fmt=["%.9g"] * 5 + ["%d"], header=";".join([*NAMES, "y"]), comments="")
    source = Csv(tmp_path / f"part-*.csv{end}", "y", delimiter=";")
    assert source.rows is None
    assert same(trained(source), trained(X.astype(float), y)) and source.rows == 300


def test_an_integer_column_of_csv_may_have_fractions_later(tmp_path, monkeypatch):
    pytest.importorskip("pyarrow")
    from fastbp.data.sources import parts

    monkeypatch.setattr(parts, "CSV_BLOCK", 100)
    (tmp_path / "rows.csv").write_text("a,y\n" + "1,0\n" * 100 + "0.5,1\n")
    ((X, labels),) = [rows for rows in Csv(tmp_path / "rows.csv", "y") if 0.5 in rows[0]]
    assert X[-1, 0] == 0.5 and labels[-1] == 1


def test_a_source_yields_its_rows(files, tmp_path):
    from fastbp.data import Parquet

    found = list(Parquet(files, "y", weight="w"))
    assert [len(part[0]) for part in found] == [70, 50, 70, 70, 40]
    for each, whole in zip(zip(*found, strict=True), (X, y, w), strict=True):
        assert (np.concatenate(each) == whole).all()
    assert [len(part) for part in Parquet(files, "y", columns=["a"])] == [2] * 5


def test_the_order_does_not_depend_on_how_much_is_read_at_once(files, monkeypatch):
    from fastbp.data import Parquet
    from fastbp.data.sources import parquet as module

    def order(rows):
        monkeypatch.setattr(module, "LEAST_ROWS", rows)
        monkeypatch.setattr(module, "MOST_ROWS", rows)
        monkeypatch.setattr(Parquet, "_reading_bytes", lambda self: 0)
        streamed = Streamed(fastbp.Model([5, 3], seed=0), Parquet(files, "y", columns=NAMES, memory=100 * 2 * 36))
        windows = feeds.windows(streamed, 3, 10, False, 0)
        return np.concatenate([window.data.samples.X[window.order] for window in windows])

    one = order(7)
    assert (one == order(64)).all() and (one != X).any()
    assert sorted(map(tuple, one.tolist())) == sorted(map(tuple, X.tolist()))


def test_sizes_of_memory():
    sizes = {"2GB": 2e9, "512 MB": 512e6, "1.5 kB": 1500, "3MiB": 3 * 2**20, "10": 10, "1 tb": 1e12, 77: 77}
    assert all(byte_count("memory", text) == size for text, size in sizes.items())
    for wrong in ("", "GB", "2 X", "-1", "0", "0.1"):
        with pytest.raises(ValueError, match="memory must be a number of bytes, such as '2 GB'"):
            byte_count("memory", wrong)
    for wrong, error in ((0, ValueError), (1.5, TypeError), (None, TypeError)):
        with pytest.raises(error, match="memory must be"):
            Pieces(lambda: [], memory=wrong)


def test_memory_that_is_too_small_is_refused_with_what_is_needed(files):
    from fastbp.data import Parquet

    source = Parquet(files, "y", columns=NAMES, memory=5_000)
    with pytest.raises(ValueError, match="memory must be at least [0-9]+ bytes, two minibatches of 32 rows.*got 5000"):
        trained(source)


MEASURED = """
import sys, tracemalloc
import numpy as np, fastbp
from fastbp.data import Npy
folder, memory = sys.argv[1], int(sys.argv[2])
source = Npy(folder, memory=memory)
model = fastbp.Model([500, 4, 2], seed=0)
model.fit(source, epochs=1, verbose=0)
tracemalloc.start()
model.fit(source, epochs=2, verbose=0)
model.predict(source)
print(source.rows * 2008, tracemalloc.get_traced_memory()[1])
"""


def test_memory_bounds_what_rows_take(tmp_path, run_python):
    for part in range(8):
        np.save(tmp_path / f"X-{part}.npy", np.zeros((4000, 500), "float32"))
        np.save(tmp_path / f"y-{part}.npy", np.arange(4000) % 2)
    memory = 20_000_000
    held, peak = map(int, run_python("-c", MEASURED, os.fspath(tmp_path), str(memory)).stdout.split())
    assert held > 3 * memory and 0.5 * memory < peak < 1.1 * memory


@pytest.mark.parametrize("fractions", [[0, 1, 0], [1, 0, 1], [0, 0, 1], [0, 0, 0]])
def test_chunks_of_a_csv_may_hold_whole_numbers_before_and_after_fractions(fractions, tmp_path):
    pandas = pytest.importorskip("pandas")
    random, path = np.random.default_rng(0), tmp_path / "rows.csv"
    numbers = random.integers(-5, 5, (60, 3)) + 0.5 * np.repeat(fractions, 20)[:, None]
    pandas.DataFrame(numbers, columns=list("abc")).map("{:g}".format).assign(y=np.arange(60) % 2).to_csv(
        path, index=False
    )

    def chunks():
        for chunk in pandas.read_csv(path, chunksize=20):
            yield chunk[list("abc")], chunk["y"]

    assert [X.dtypes.iloc[0].kind == "f" for X, _ in chunks()] == [bool(one) for one in fractions]
    whole = pandas.read_csv(path)
    models = [fastbp.Model([3, 5, 2], seed=0) for _ in range(2)]
    settings = {"epochs": 2, "batch_size": 16, "shuffle": False, "verbose": 0}
    models[0].fit(chunks, **settings)
    models[1].fit(whole[list("abc")], whole["y"], **settings)
    assert models[0].get_state()["parameters"].tobytes() == models[1].get_state()["parameters"].tobytes()
    assert models[0].predict_proba(chunks).tobytes() == models[1].predict_proba(whole[list("abc")]).tobytes()


@pytest.mark.parametrize(
    ("kinds", "told"),
    [
        (("int64", "float64", "uint8", "float32"), None), (("float32", "int32", "bool"), None),
        (("float64", ">f8"), None), (("uint64", "int64"), None), (("int16", "uint8"), None),
        (("float32", "float64"), "float32 .*got float64"), (("uint8", "int64"), "uint8 .*got int64"),
        (("int16", "float32"), "int16 .*got float32; give all pieces the same dtype"),
    ],
)  # fmt: skip
def test_pieces_of_a_dtype_that_fits_into_the_first_one_are_taken(kinds, told):
    X, y = np.random.default_rng(0).integers(0, 2, (len(kinds), 10, 3)), np.arange(10) % 2
    models = [fastbp.Model([3, 5, 2], seed=0) for _ in range(2)]
    settings = {"epochs": 1, "batch_size": 8, "shuffle": False, "verbose": 0}

    def given():
        return [(rows.astype(kind), y) for rows, kind in zip(X, kinds, strict=True)]

    if told is not None:
        with pytest.raises(ValueError, match=f"piece 1: X must hold {told}"):
            models[0].fit(given, **settings)
        return
    for model, rows in zip(models, ((given,), (X.reshape(-1, 3), np.tile(y, len(kinds)))), strict=True):
        model.fit(*rows, **settings)
    assert models[0].get_state()["parameters"].tobytes() == models[1].get_state()["parameters"].tobytes()
