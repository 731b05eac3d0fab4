from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import pytest

pytest.importorskip("tensorboard")

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from lvm_experiments.loggers import TensorBoardLogger, build_loggers, close_loggers, log_figures
from lvm_experiments.runs import History, RunFolder

CONFIG = {"seed": 0, "model": {"latent_dim": 2}}


def test_numbers_pictures_and_configuration(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    loggers = build_loggers({"tensorboard": TensorBoardLogger}, folder, CONFIG)
    assert not (tmp_path / "tensorboard").exists()
    for logger in loggers:
        logger.log_metrics({"val/elbo": -3.5}, step=4)
    plt.imsave(tmp_path / "a.png", [[0.0, 1.0], [1.0, 0.0]])
    log_figures(loggers, {"samples": tmp_path / "a.png"})
    close_loggers(loggers, 0)
    events = read(tmp_path)
    assert [(e.step, e.value) for e in events.Scalars("val/elbo")] == [(4, -3.5)]
    (image,) = events.Images("figures/samples")
    assert (image.width, image.height) == (2, 2)
    (text,) = events.Tensors("config/text_summary")
    assert b"latent_dim: 2" in text.tensor_proto.string_val[0]


def test_a_resumed_run_hides_what_came_after_its_checkpoint(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    for first in (0, 3):  # the second attempt begins from a checkpoint after three steps
        loggers = build_loggers({"tensorboard": TensorBoardLogger}, folder, CONFIG)
        for step in range(first, first + 5):
            for logger in loggers:
                logger.log_metrics({"x": float(first)}, step=step)
        close_loggers(loggers, 0)
        History(folder.metrics).cut(3)
    assert [(e.step, e.value) for e in read(tmp_path).Scalars("x")] == [
        *((step, 0.0) for step in range(3)),
        *((step, 3.0) for step in range(3, 8)),
    ]


def read(path: Path) -> EventAccumulator:
    events = EventAccumulator(str(path / "tensorboard"))
    events.Reload()
    return events
