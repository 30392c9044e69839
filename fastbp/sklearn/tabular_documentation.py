"""The docstrings of the tabular estimators."""

_HEAD = {
    "classes": "Classes of the rows of a table as people have it, by RealMLP, a network of three hidden layers.",
    "numbers": "Numbers for the rows of a table as people have it, by RealMLP, a network of three hidden layers.",
}
_RATE = {"classes": "0.04", "numbers": "0.07, or 0.2 for TD"}
_ACTIVATION = {"classes": 'SELU, or "blended_selu" for TD', "numbers": 'Mish, or "blended_mish" for TD'}
_CLIPPING = {
    "classes": "",
    "numbers": """    clip_outputs : bool or None
        Whether predictions are clipped to the range of y. None for False, or True for TD.
""",
}
_SMOOTHING = {
    "classes": """    label_smoothing : float
        Share of the target that is spread over all classes.
""",
    "numbers": "",
}
_CLASSES = {
    "classes": """    classes_ : ndarray of shape (classes,)
        The classes, in order.
""",
    "numbers": "",
}
_EXAMPLE = {
    "classes": """    >>> from fastbp.sklearn import TabularClassifier
    >>> X = [[31, "Oslo"], [45, "Rome"], [None, "Oslo"], [52, "Rome"]] * 20
    >>> model = TabularClassifier(n_epochs=60, random_state=0).fit(X, ["no", "yes", "no", "yes"] * 20)
    >>> model.predict([[40, "Oslo"], [40, "Rome"]])
    array(['no', 'yes'], dtype='<U3')
""",
    "numbers": """    >>> from fastbp.sklearn import TabularRegressor
    >>> X = [[31, "Oslo"], [45, "Rome"], [None, "Oslo"], [52, "Rome"]] * 20
    >>> model = TabularRegressor(n_epochs=60, random_state=0).fit(X, [1.5, 2.5, 1.5, 2.5] * 20)
    >>> model.predict([[31, "Oslo"], [52, "Rome"]]).round(1)
    array([1.5, 2.5])
""",
}
_TEXT = """{head}

    Columns may hold numbers, text, categories, booleans and dates, with gaps. `columns_` tells what became of each.
    A part of the rows validates: the parameters of the epoch with the least error are kept.

    The recipe is that of Holzmueller, Grinsztajn and Steinwart, "Better by default", 2024 (arXiv 2407.04491).

    Parameters
    ----------
    hidden_layer_sizes : sequence of int
        Units of each hidden layer.
    activation : str, Activation or None
        F of the hidden layers; None for {activation}.
    learning_rate : float or None
        The highest rate of Adam; None for {rate}.
    n_epochs, batch_size : int
        Passes over the rows, and rows a step. Rows that fill no minibatch are left out of an epoch.
    beta_1, beta_2, epsilon : float
        Of Adam.
{smoothing}    scaling_layer : bool
        Whether inputs are multiplied by trained scales.
    n_members : int
        Networks that are trained at once and share the hidden layers: see `fastbp.Members`. Their outputs are averaged,
        also where rows validate. Several are mostly more accurate than one, and take as many times the arithmetic.
    parametrization : {{"standard", "ntk"}}
        "ntk" trains V of W = V / sqrt(inputs).
    bias_rate, scale_rate : float
        Factors of the learning rate of biases, and of the scales.
    waves : int
        Waves of the learning rate, each twice as long as the one before.
    stop_after_wave : bool
        Whether training stops after a wave in which the validation error has not become less.
    recipe : {{"td-s", "td"}}
        What parameters are by default that are None: "td-s" is RealMLP-TD-S, "td" the stronger RealMLP-TD, which takes
        longer.
    dropout : float or None
        Share of the outputs of hidden layers that a step drops: for half the training, then less and less. None for
        0, or 0.15 for TD.
    weight_decay : float or None
        Decay of all parameters but biases, likewise in time: each step takes this share, times the learning rate and
        the square of the parameter's factor of it, off. None for 0, or 0.02 for TD.
    number_embedding : bool or None
        Whether numbers are embedded by trained waves. None for False, or True for TD.
    embed_above : int or None
        Categories of more levels than this are embedded by trained tables. None for no category, or 8 for TD.
    embedding_rate, slope_rate : float
        Factors of the learning rate of the waves, and of the shares of blended activations.
    first_weights : {{"normal", "data"}} or None
        "data" draws them from the rows that train: see `fastbp.initialize_from_data`. None for "normal", or "data" for
        TD.
{clipping}    validation_fraction : float
        Share of the rows, drawn at random, that validates; with 0 the last epoch is kept.
    n_folds : int or None
        Number of networks, each validated on a fold of its own and trained on the other rows; their outputs are
        averaged. Folds train side by side, one a core. With `n_members` each of them has so many members.
    categorical_features : list of names or numbers of columns, or mask, optional
        Columns of numbers that are categories. Text, categories and booleans are without being named.
    numerical_features : list of names or numbers of columns, or mask, optional
        Columns that are numbers, also where they are whole numbers that look like those of rows, which are left out.
    max_categories : int
        Values of a category at most: of more the commonest stay, and one stands for all others.
    dtype : {{"float32", "float64"}}
        Of parameters and arithmetic.
    precision : {{"bfloat16"}} or None
        "bfloat16" rounds what products take to bfloat16, as in `fastbp.Model`; with "float32" alone.
    n_threads : int or None
        Most threads. The bits are the same for any number.
    random_state : int, RandomState or None
        Fixes the split, first weights and the order of the rows.
    verbose : {{"auto", True, False, 0, 1, 2}}
        As for `fastbp.Model.fit`.

    Attributes
    ----------
{classes}    columns_ : tuple
        Name, kind, what became and a note of each column; prints as a table.
    members_ : list
        The networks with their columns.
    best_epoch_ : int or None
        The epoch that was kept, from 1, of the first network; None without rows that validate.
    validation_errors_ : ndarray
        {errors} after each epoch, of the first network.
    loss_curve_ : ndarray
        Training loss of each epoch, of the first network.
    n_iter_ : int
        Epochs of the first network.
    n_features_in_, feature_names_in_
        Number of columns, and their names where all are text.
    n_rows_without_target_ : int
        Rows that were left out.

    Examples
    --------
{example}    """
_ERRORS = {"classes": "Share of wrong classes", "numbers": "Root of the mean squared error in deviations of y,"}


def documented(kind: str) -> str:
    """Return the docstring of the estimator for "classes" or for "numbers"."""
    return _TEXT.format(
        head=_HEAD[kind], activation=_ACTIVATION[kind], rate=_RATE[kind], smoothing=_SMOOTHING[kind],
        classes=_CLASSES[kind], clipping=_CLIPPING[kind], errors=_ERRORS[kind], example=_EXAMPLE[kind],
    )  # fmt: skip
