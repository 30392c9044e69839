"""Checkpoints of `fastbp train`, and of the recipe for tables."""

import os
import re

import numpy as np
import pytest
from test_checkpoint import in_pieces
from test_cli import complaint, write_csv

import fastbp
from fastbp import cli
from fastbp.callbacks import Diagnose
from fastbp.training.checkpoints import folder

TRAIN = "train", "--epochs", "3", "--quiet"
KEPT = "--checkpoint", "run", "--checkpoint-every", "20 steps", "--resume"


def content(name):
    with open(name, "rb") as file:
        return file.read()


def test_a_command_that_is_ended_and_repeated_saves_the_same_file(run, monkeypatch):
    assert run(*TRAIN, "--save", "whole")[0] == 0
    (status, _, _), ended = in_pieces(lambda: run(*TRAIN, *KEPT, "--save", "pieces"), monkeypatch, 3)
    assert (status, ended > 2) == (0, True) and content("pieces") == content("whole")
    status, out, err = run(*TRAIN, *KEPT, "--save", "again")
    assert (status, err, content("again")) == (0, "", content("whole"))
    assert len(os.listdir("run")) == 3


def test_a_table_that_is_ended_and_repeated_saves_the_same_file(run, tmp_path, monkeypatch):
    pytest.importorskip("narwhals")
    pytest.importorskip("polars")
    write_csv(tmp_path / "table.csv")
    table = *TRAIN, "--data", "table.csv", "--recipe", "td-s", "--hidden", "16", "--batch-size", "8"
    assert run(*table, "--save", "whole")[0] == 0
    kept = "--checkpoint", "run", "--checkpoint-every", "2 steps", "--resume"
    (status, _, _), ended = in_pieces(lambda: run(*table, *kept, "--save", "pieces"), monkeypatch, 1)
    assert (status, ended > 2) == (0, True) and content("pieces") == content("whole")


def test_without_resume_a_command_begins_anew(run):
    run(*TRAIN, *KEPT, "--save", "first")
    assert run(*TRAIN, "--checkpoint", "run", "--seed", "1")[0] == 0
    assert len({file.training for file in folder.files("run")}) == 2
    error = complaint(run("train", "--epochs", "3", "--batch-size", "8", "--quiet", *KEPT, "--seed", "1"))
    assert "resume: " in error and "/run/checkpoint-" in error and "batch_size is 8, there it is 16" in error


def test_options_that_are_wrong_are_refused_before_training(run):
    for options, named in (
        (["--resume"], "--resume needs --checkpoint FOLDER"),
        (["--checkpoint-every", "1 epoch"], "--checkpoint-every needs --checkpoint FOLDER"),
        (["--checkpoint", "run", "--checkpoint-every", "often"], "every must be a number and a unit"),
        (["--checkpoint", "file"], "file: .*folder"),
    ):
        open("file", "w").close()
        assert re.search(named, complaint(run("train", *options)))
    assert os.listdir() == ["file"]


def test_a_report_keeps_the_diagnoses_of_all_epochs(tmp_path, monkeypatch):
    rows, y = np.random.default_rng(0).standard_normal((64, 3)), np.arange(64) % 2

    def train(where):
        watch = Diagnose(rows[:32], y[:32])
        model = fastbp.Model([3, 4, 2], seed=0, learning_rate=50.0, clip_norm=1.0)
        each = [watch, *([fastbp.callbacks.Checkpoint(where, "1 epoch")] if where else [])]
        model.fit(rows, y, epochs=3, verbose=0, callbacks=each, resume=where)
        return watch.reports

    reports, ended = in_pieces(lambda: train(tmp_path), monkeypatch, 1)
    assert ended == 3 and reports == train(None) and any(report.findings for report in reports)


def test_sigterm_ends_the_command_with_143(run, monkeypatch):
    def terminated(*arguments, **settings):
        raise SystemExit(143)

    monkeypatch.setattr(fastbp.Model, "fit", terminated)
    status, out, err = run(*TRAIN, "--checkpoint", "run")
    assert (status, out, err) == (143, "", "fastbp: terminated; with --resume training goes on\n")
    assert cli.main(["--version"]) == 0
