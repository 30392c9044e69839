"""A network as the paper's computational graph: what each layer computes forward, and the gradients that come back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ..data import members
from ..exchange.estimators import taken
from . import canvas

if TYPE_CHECKING:
    from ..model.model import Model

COLUMNS = {
    "parameters": canvas.ORANGE,
    "forward": canvas.BLUE,
    "backward": canvas.VERMILLION,
    "gradients": canvas.GREEN,
}
LEFT = (0.0, 1.0, 2.34, 3.88, 5.25)  # edges of the columns
GAP = 0.1  # between a column's edge and its boxes
HIGH = 0.72  # of a row, by a box
HEAD = -0.5  # where the columns' names stand
LEAST_ROW = 0.45  # inches: where layers would get less, those in the middle are left out
LARGEST_FONT = 11.0
ERRORS = {  # dE/dt of the last layer, eq. 47 for the first two; of other losses as a derivative
    "cross_entropy": "(z - y) / B",
    "binary_cross_entropy": "(z - y) / B",
    "squared_error": "(z - y) / B",
    "poisson": "(z - y) / B",
    "absolute_error": r"\mathrm{sign}(z - y) / B",
    "huber": r"\mathrm{clip}(z - y, \pm\delta) / B",
}
DERIVATIVE = r"\partial e/\partial z / B"


class Box(NamedTuple):
    """Text at a place of the grid: column, row, lines of mathematics."""

    column: int
    row: int
    lines: list[str]


def network(model: Model, ax: Any = None) -> Any:
    """Draw a model's layers: parameters and shapes, quantities on the way forward to E, and gradients on the way back.

    One row a layer, from x at the top to E at the bottom, in the paper's letters (eqs. 42-53). B is the number of
    rows of a minibatch. Layers in the middle of a deep network are left out, and counted.

    Parameters
    ----------
    model : Model, MLPClassifier, MLPRegressor or a Pipeline that ends in one
    ax : matplotlib.axes.Axes, optional
        Its frame and ticks are hidden.

    Returns
    -------
    matplotlib.axes.Axes
    """
    canvas.check(ax)
    model = taken(model).model
    members.refuse(model.network, "plot.network")
    ax = canvas.axes(ax)
    ax.set_axis_off()
    layers = _layers_shown(len(model.layer_sizes) - 1, canvas.lay_out(ax).height / ax.figure.figure.dpi)
    rows = len(layers) + 2
    ax.set(xlim=(LEFT[0], LEFT[-1]), ylim=(rows - 0.6, -0.75))
    boxes = _boxes(model, layers)
    _draw_boxes(ax, boxes)
    _draw_arrows(ax, layers, rows, model.network.scaling_layer)
    return ax


def _layers_shown(layers: int, height: float) -> list[int]:
    """Return the layers' numbers from 1, 0 where some are left out for which this height (inches) is too small."""
    room = max(int(height / LEAST_ROW) - 2, 3)
    if layers <= room:
        return list(range(1, layers + 1))
    first = (room - 1 + 1) // 2
    return [*range(1, first + 1), 0, *range(layers - (room - 1 - first) + 1, layers + 1)]


def _boxes(model: Model, layers: list[int]) -> list[Box]:
    sizes, last = model.layer_sizes, len(model.layer_sizes) - 1
    scaled = model.input_shift is not None or model.input_scale is not None
    x = r"$x = (X - \mathrm{shift}) \odot \mathrm{scale}$" if scaled else "$x$"
    if model.network.scaling_layer:
        x = x.replace("x = ", r"x = s \odot ") if scaled else r"$x = s \odot X$"
    boxes = [Box(1, 0, [x, f"B × {sizes[0]}"]), *_scales(model)]
    for row, number in enumerate(layers, 1):
        if number:
            boxes += _layer(model, number, last, row)
        else:
            boxes.append(Box(1, row, [f"{last - len(layers) + 1} layers more"]))
    target = "B classes" if model.network.of_classes else f"B × {sizes[-1]}"
    E = model.loss.name.replace("_", " ")
    return [*boxes, Box(0, len(layers) + 1, ["$y$", target]), Box(1, len(layers) + 1, [f"$E$ = {E}$(z, y)$"])]


def _scales(model: Model) -> list[Box]:
    """Return the boxes of the scaling layer's parameters and their gradient, if there is one."""
    if not model.network.scaling_layer:
        return []
    product = rf"({_d('t_{1}')} \cdot W_{{1}}^T)"
    return [Box(0, 0, [f"$s$: {model.layer_sizes[0]}"]), Box(3, 0, [_sum("s", rf"{product} \odot x / s")])]


def _layer(model: Model, number: int, last: int, row: int) -> list[Box]:
    """Return the four boxes of one layer; n is t normalized, which the activation takes then."""
    inputs, outputs = model.network.shapes[number - 1]
    x = "x" if number == 1 else f"h_{{{number - 1}}}"
    t, n, u, h, W, b, g, c = (f"{letter}_{{{number}}}" for letter in "tnuhWbgc")
    parameters, batch = [f"${W}$: {inputs} × {outputs}", f"${b}$: {outputs}"], f"B × {outputs}"
    forward, gradients = [rf"${t} = {x} \cdot {W} + {b}$"], [rf"${_d(W)} = {x}^T \cdot {_d(t)}$", _sum(b, _d(t))]
    if number == last:
        forward += [rf"$z = \mathrm{{{_upright(model.loss.link)}}}({t})$"]
        backward = [rf"${_d(t)} = {ERRORS.get(model.loss.name, DERIVATIVE)}$"]
    else:
        normal, F, above = model.network.layer_norms[number - 1], model.network.activations[number - 1], number + 1
        taken = n if normal else t
        back = rf"${_d(h)} = {_d(f't_{{{above}}}')} \cdot W_{{{above}}}^T$"
        backward = [back, rf"${_d(taken)} = {_d(h)} \odot F'({taken})$"]
        if normal:
            parameters += [f"${g}$, ${c}$: {outputs}"]
            forward += [rf"${n} = {g} \odot {u} + {c}$, ${u} = ({t} - \mu) / \sigma$"]
            backward += [rf"${_d(t)} = ({_d(n)} \odot {g}) \cdot \partial {u}/\partial {t}$"]
            gradients += [_sum(g, rf"{_d(n)} \odot {u}"), _sum(c, _d(n))]
        forward += [rf"${h} = \mathrm{{{_upright(F.name)}}}({taken})$"]
    contents = parameters, [*forward, batch], [*backward, batch], gradients
    return [Box(column, row, lines) for column, lines in enumerate(contents)]


def _sum(of: str, what: str) -> str:
    """Return the gradient of a vector, a sum over the rows."""
    return rf"${_d(of)} = \Sigma\, {what}$"


def _d(of: str) -> str:
    return rf"\partial E/\partial {of}"


def _upright(name: str) -> str:
    return name.replace("_", r"\ ")


def _edges(column: int) -> tuple[float, float]:
    return LEFT[column] + GAP, LEFT[column + 1] - GAP


def _draw_boxes(ax: Any, boxes: list[Box]) -> None:
    """Draw frames and their texts, all in the largest size that fits."""
    colours, patches = list(COLUMNS.values()), canvas.matplotlib("patches")
    texts, rooms = [], []
    canvas.lay_out(ax)
    scale = ax.transData.transform([(1, 0), (0, 1)]) - ax.transData.transform((0, 0))
    across, down = abs(scale[0, 0]), abs(scale[1, 1])  # pixels a unit
    for column, row, lines in boxes:
        left, right = _edges(column)
        colour = colours[column]
        frame = patches.Rectangle((left, row - HIGH / 2), right - left, HIGH, edgecolor=colour, linewidth=1)
        frame.set_facecolor((*canvas.matplotlib("colors").to_rgb(colour), 0.14))
        ax.add_patch(frame)
        texts.append(ax.text((left + right) / 2, row, "\n".join(lines), ha="center", va="center", linespacing=1.25))
        rooms.append(((right - left) * across * 0.94, HIGH * down * 0.94))
    for column, name in enumerate(COLUMNS):
        texts.append(ax.text(sum(_edges(column)) / 2, HEAD, name, ha="center", va="bottom", weight="bold"))
        rooms.append(((LEFT[column + 1] - LEFT[column]) * across, (0.75 + HEAD) * down))
    canvas.fit(texts, rooms, LARGEST_FONT)


def _draw_arrows(ax: Any, layers: list[int], rows: int, scaling: bool) -> None:
    """Draw what is computed from what."""
    middle = [sum(_edges(column)) / 2 for column in range(4)]

    def arrow(start: tuple[float, float], end: tuple[float, float], colour: str) -> None:
        style = {"arrowstyle": "-|>", "color": colour, "shrinkA": 0, "shrinkB": 0, "linewidth": 1, "mutation_scale": 7}
        ax.annotate("", end, start, arrowprops=style)

    for row in range(1, rows):
        arrow((middle[1], row - 1 + HIGH / 2), (middle[1], row - HIGH / 2), canvas.BLUE)
        if row == rows - 1 or layers[row - 1]:
            arrow((_edges(0)[1], row), (_edges(1)[0], row), canvas.ORANGE)
        if row < rows - 1 and layers[row - 1]:
            arrow((_edges(2)[1], row), (_edges(3)[0], row), canvas.GREEN)
        if 1 < row < rows - 1 and layers[row - 1]:
            above = row - 1 if layers[row - 2] else row - 2
            arrow((middle[2], row - HIGH / 2), (middle[2], above + HIGH / 2), canvas.VERMILLION)
    if scaling:
        arrow((_edges(0)[1], 0), (_edges(1)[0], 0), canvas.ORANGE)
        ax.plot([middle[2]] * 2, [1 - HIGH / 2, 0], color=canvas.VERMILLION, linewidth=1)
        arrow((middle[2], 0), (_edges(3)[0], 0), canvas.GREEN)
    corner = [(_edges(1)[1], rows - 1), (middle[2], rows - 1)]
    ax.plot(*zip(*corner, strict=True), color=canvas.VERMILLION, linewidth=1, solid_capstyle="butt")
    arrow(corner[1], (middle[2], rows - 2 + HIGH / 2), canvas.VERMILLION)
