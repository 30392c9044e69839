"""Strategies for data in files: tables, arrays and images as they may come, with copies that are damaged on purpose.

Each strategy gives a list of contents: one as it was drawn, and others that differ from it in some bytes.
"""

import bz2
import gzip
import io
import lzma
import random
import struct
import warnings
import zipfile

import numpy as np
from hypothesis import strategies as st

COPIES = 15  # of each file, damaged
DTYPES = "f8 f4 f2 >f8 >f4 u1 i1 i8 u8 >i4 ? g c16 M8[s] m8[D] U3 S3 O V4 i4,f4".split()
TOKENS = [
    b"\0",
    b"\xff",
    b'"',
    b"\n",
    b"\r",
    b"9",
    b"{",
    b",",
    b";",
    b"-",
    b"e",
    b".",
    b"[[[[",
    b"\xd9\xa1",
    b"nan",
    b"NaN",
]
seeds = st.integers(0, 2**32).map(random.Random)


def damaged(chance, data, end=None):
    """Return bytes of which some (of those before `end`) are others, missing or doubled, or that have some more."""
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        place = chance.randrange(min(len(data), end or len(data)) or 1)
        how = chance.randrange(7)
        if how < 2:
            data = (
                data[:place]
                + bytes(byte ^ 1 << chance.randrange(8) for byte in data[place : place + 1])
                + data[place + 1 :]
            )
        elif how < 4:
            data = data[:place] + chance.choice(TOKENS) + data[place + (how == 2) :]
        elif how == 4:
            data = data[:place] if chance.randrange(3) == 0 else data[:place] + data[place + 1 :]
        elif how == 5:
            data = data[:place] + data[place + chance.randint(1, 40) :]
        else:
            data = data[:place] + data[place : place + chance.randint(1, 40)] + data[place:]
    return data


def copies(chance, data, make=damaged):
    return [data, *(make(chance, data) for _ in range(COPIES))]


# ---- tables

numbers = st.sampled_from(
    "0 1 2 3 -1 +1 0.5 .5 5. 1e3 1E-3 1e400 1e-400 1_0 ١ ½ nan inf -Infinity 0x10 1,5 1.000,5 007 1.0 -0 ² "
    "1e308 -1e308 1e99999999999999999999 9007199254740993 0.1000000000000000055511151231257827".split()
)
words = st.sampled_from(
    ["a", "b", "kind", "", " ", "é", '"', '"a', 'a"b"', '"a,b"', '"a\nb"', "\0", "NA", "x" * 300, "\u2028"]
)
easy = st.integers(-9, 9).map(str) | st.sampled_from("0.5 -1.25 3.75 2.5 1e-2".split())
LABELS = [easy, easy, st.sampled_from(["no", "yes"]), st.sampled_from("012"), numbers, words]


@st.composite
def tables(draw):
    delimiter, width = (
        draw(st.sampled_from([","] * 8 + [";", ";", "\t", "\t", "|", " "])),
        draw(st.sampled_from([1, *[2, 3, 4, 4, 4, 5] * 3])),
    )
    hard = st.one_of(*[easy] * 8, numbers, words)
    cell, label = easy if draw(st.booleans()) else hard, draw(st.sampled_from([*LABELS, hard]))
    rows = [[*(draw(cell) for _ in range(width - 1)), draw(label)] for _ in range(draw(st.integers(1, 5)))]
    rows *= draw(st.sampled_from([1, 2, 40]))
    if draw(st.booleans()):
        rows.insert(0, ["a", "b", "c", "d", "e", "f"][:width])
    if draw(st.integers(0, 30)) == 30:
        rows = [row * 3000 for row in rows[:3]]
    end = draw(st.sampled_from(["\n", "\n", "\n", "\r\n", "\r", "\n\n"]))
    text = end.join(delimiter.join(row) for row in rows) + end * draw(st.booleans())
    data = text.encode(draw(st.sampled_from(["utf-8"] * 6 + ["utf-8-sig"] * 2 + ["utf-16", "latin-1"])), "replace")
    return packed(draw, copies(draw(seeds), data))


def packed(draw, contents):
    """Return contents as they are, or compressed, some of them damaged then."""
    how, chance = draw(st.sampled_from(["plain"] * 20 + ["gz"] * 7 + ["xz", "bz2", "two"])), draw(seeds)
    if how == "plain":
        return contents
    if how == "two":
        return [gzip.compress(data, mtime=0) * 2 for data in contents[:4]]
    pack = {"gz": lambda data: gzip.compress(data, 1, mtime=0), "xz": lzma.compress, "bz2": bz2.compress}[how]
    return [*map(pack, contents[:4]), *copies(chance, pack(contents[0]))]


# ---- arrays

shapes = st.sampled_from([(4, 2), (4,), (), (0, 3), (3, 0), (1, 3), (2, 2, 3), (4, 1), (5,), (4, 3, 1)])
HEADER = [b"'shape': ", b"'descr': ", b"(", b"3", b"4", b"<f8", b"False", b"}", b"|u1", b"'", b"\x93", b"v", b"NUMPY"]
NEW = [
    b"",
    b"-",
    b"9" * 30,
    b"('a',",
    b"None,",
    b"[" * 60,
    b"O",
    b"<M8",
    b"{}",
    b"lambda: 0",
    b"3.0",
    b"\x02",
    b"(" * 300,
]


def npy(draw, usual):
    """Return the bytes of an array."""
    shape = draw(st.sampled_from([usual] * 5)) if draw(st.integers(0, 4)) < 4 else draw(shapes)
    dtype = np.dtype(
        draw(st.sampled_from(["f8", "f8", "f4", "u1"]) if draw(st.integers(0, 4)) < 4 else st.sampled_from(DTYPES))
    )
    numbers = (np.arange(np.prod(shape, dtype=int)) % 3).reshape(shape)
    array = np.zeros(shape, dtype) if dtype.kind in "Vm" else numbers.astype(dtype)
    if array.dtype.kind == "f" and array.size and draw(st.integers(0, 5)) == 5:
        with np.errstate(over="ignore"):
            array.flat[0] = draw(st.sampled_from([np.nan, np.inf, 1e308, 1e-320, -1, 0.5]))
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.asfortranarray(array) if draw(st.booleans()) else array, version=(1, 0))
    return stream.getvalue()


def zipped(members, method):
    """Return the bytes of an .npz."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # two of one name
        for name, data in members:
            file.writestr(zipfile.ZipInfo(f"{name}.npy"), data, method)
    return stream.getvalue()


@st.composite
def npz(draw):
    method = draw(
        st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, 14])
    )
    wanted = {"X": (4, 3), "y": (4,)} | ({"X_test": (4, 3), "y_test": (4,)} if draw(st.integers(0, 3)) == 3 else {})
    odd = st.sampled_from(["x", "../X", "X.npy", "", "y", "/X"])
    members = [
        (name if draw(st.integers(0, 15)) < 15 else draw(odd), npy(draw, shape)) for name, shape in wanted.items()
    ]
    chance, whole = draw(seeds), zipped(members, method)
    contents = copies(chance, whole)[:8]
    for _ in range(8):
        (name, data), *others = members if chance.randrange(2) else members[::-1]
        old = chance.choice(HEADER)
        data = data.replace(old, chance.choice(NEW), 1) if chance.randrange(2) else damaged(chance, data, 128)
        contents.append(zipped([(name, data), *others], method))
    return contents


# ---- images


@st.composite
def idx(draw, *sizes):
    """IDX files of these sizes."""
    header, data = list(sizes), bytes(i % 3 for i in range(int(np.prod(sizes))))
    if draw(st.integers(0, 3)) == 3:
        header[draw(st.integers(0, len(sizes) - 1))] = draw(st.sampled_from([0, 1, 5, 2**31, 2**32 - 1]))
    magic = draw(st.sampled_from([0x0800 + len(sizes)] * 6 + [0x0801, 0x0803, 0x0D03, 0x08FF, 0x0900]))
    return packed(draw, copies(draw(seeds), struct.pack(f">{len(sizes) + 1}I", magic, *header) + data))


@st.composite
def folders(draw):
    """Folders like MNIST's: dicts of names and contents."""
    rows, found = draw(st.sampled_from([4, 4, 4, 1, 5])), {}
    images, labels = draw(st.sampled_from(["-images-idx3-ubyte", "-images.idx3-ubyte"])), "-labels-idx1-ubyte"
    for part in ("train", "t10k")[: draw(st.integers(1, 2))]:
        end = draw(st.sampled_from(["", "", ".gz"]))
        found[part + images + end] = draw(idx(rows, 3, 1))
        found[part + labels + end] = draw(idx(draw(st.sampled_from([rows, rows, rows, 2]))))
    chance = draw(seeds)
    usual = {name: contents[0] for name, contents in found.items()}
    return [usual, *(usual | {name: content} for name in found for content in chance.sample(found[name], 3))]
