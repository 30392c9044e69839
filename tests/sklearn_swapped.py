"""A plugin for pytest: what imports scikit-learn's two networks after it gets fastbp's."""

from sklearn import neural_network

import fastbp.sklearn

neural_network.MLPClassifier = fastbp.sklearn.MLPClassifier
neural_network.MLPRegressor = fastbp.sklearn.MLPRegressor


def pytest_collection_finish(session):
    for module in {item.module for item in session.items}:
        assert module.MLPClassifier is fastbp.sklearn.MLPClassifier
        assert module.MLPRegressor is fastbp.sklearn.MLPRegressor
