"""Tables with columns of all kinds, and what ONNX Runtime makes of them from a file that takes raw columns."""

import numpy as np
import onnxruntime as runtime
import pandas

DAY = np.timedelta64(1, "D")


def feeds(session, frame):
    """A frame's columns as an ONNX file of a table takes them; the docstring of `to_onnx` has the rules."""
    found = {}
    for given in session.get_inputs():
        assert given.shape[1] == 1
        column = frame[given.name]
        if given.type == "tensor(string)":
            values = ["" if pandas.isna(cell) else str(cell) for cell in column]
            found[given.name] = np.array(values, object)[:, None]
        elif column.dtype.kind == "M":
            found[given.name] = ((column.to_numpy() - np.datetime64(0, "D")) / DAY)[:, None]
        else:
            assert given.type == "tensor(double)"
            values = [np.nan if pandas.isna(cell) else float(cell) for cell in column]
            found[given.name] = np.array(values)[:, None]
    return found


def ran(path, frame):
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, feeds(session, frame)), strict=True))


def frame(rows=120, seed=0):
    rng = np.random.default_rng(seed)
    made = pandas.DataFrame({
        "age": np.where(rng.random(rows) < 0.2, np.nan, rng.normal(1e6, 3, rows)),
        "constant": 7.0,
        "city": rng.choice(["Oslo", "Rome", "Bonn, \"west\"", "Łódź", None], rows),
        "yes": rng.choice([True, False], rows),
        "perhaps": rng.choice(np.array([True, False, None], object), rows),
        "sex": rng.choice(["f", "m", None], rows),
        "grade": rng.choice(["3", "10", "4.5", "2.0"], rows),
        "street": rng.choice([f"street {i}" for i in range(30)], rows),
        "joined": rng.choice(np.arange("1899-12-20", "2105-03-05", dtype="datetime64[D]"), rows),
        "seen": np.where(rng.random(rows) < 0.2, np.datetime64("NaT"), np.datetime64("2024-02-28T00:00:00", "us")
                         + rng.integers(0, 10**12, rows)),
        "customer_id": np.arange(rows) * 7,
        "nothing": [None] * rows,
    })  # fmt: skip
    made["yes"] = made["yes"].astype(bool)
    return made


def strange(rows=40):
    """Rows with gaps and values that no other row has."""
    made = frame(rows, seed=1)
    made.loc[:9, "city"], made.loc[5:19, "sex"], made.loc[:4, "grade"] = "Paris", "x", "3.0"
    made.loc[3:8, "grade"], made.loc[10:14, "street"], made.loc[15:17, "street"] = "17", "lane", None
    made.loc[2:5, "age"], made.loc[6:9, "age"], made.loc[10:12, "joined"] = np.nan, 1e300, None
    return made


def target(table, kind, rng=None):
    score = table["age"].fillna(1e6) - 1e6 + (table["city"] == "Oslo") + 2 * table["yes"]
    if kind == "numbers":
        return 1e3 * score.to_numpy() + 5e4
    numbers = np.digitize(score.to_numpy(), [-1, 2])
    return {"text": np.array(["low", "middle", "high, very"])[numbers], "integers": numbers * 10 - 7,
            "booleans": numbers > 1, "floats": numbers / 4}[kind]  # fmt: skip
