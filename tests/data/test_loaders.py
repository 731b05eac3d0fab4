"""What is gone through in an epoch, and in which order."""

from __future__ import annotations

import torch

from lvm_experiments.data import Loaders
from tests.support.training import STILL, Watch, digits, fit, make


def test_a_share_of_the_batches_and_a_few_of_them() -> None:
    dataset = digits()
    loaders = Loaders(dataset.load(), dataset, seed=3)
    assert [loaders.batches(limit) for limit in (1.0, 0.7, 0.4, 0.1, 2, 9)] == [3, 2, 1, 1, 2, 3]
    assert [len(loaders.train(0, 1, limit)) for limit in (1.0, 2, 9)] == [3, 2, 3]
    limited = loaders.train(0, 1, 1)
    epochs = [next(iter(limited)).index.tolist() for _ in range(3)]
    assert len({tuple(epoch) for epoch in epochs}) == 3  # a limited epoch sees other examples each time


def test_a_data_set_that_keeps_its_order_is_gone_through_in_it() -> None:
    dataset = digits()
    dataset.shuffle = False
    loader = Loaders(dataset.load(), dataset, seed=3).train(0, 1, 1.0)
    for _ in range(2):
        assert torch.cat([batch.index for batch in loader]).tolist() == list(range(110))


def test_overfitting_sees_the_same_examples_again_and_again() -> None:
    module = make(Watch(), STILL, dataset=digits(200))
    trainer = fit(module, epochs=3, overfit_batches=2)
    epochs = [torch.cat([b.index for b in module.objective.seen[i : i + 2]]).tolist() for i in (0, 2, 4)]
    assert all(sorted(epoch) == list(range(100)) for epoch in epochs)
    assert trainer.callback_metrics["train/elbo"].item() == 99 / 2
    (val,) = trainer.val_dataloaders if isinstance(trainer.val_dataloaders, list) else [trainer.val_dataloaders]
    assert sorted(torch.cat([batch.index for batch in val]).tolist()) == list(range(100))
    assert torch.equal(val.split.x, module.loaders.data.train.x[:100])
