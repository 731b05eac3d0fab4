"""Means over examples, whatever the batches; the two-process case is in the integration tests."""

from __future__ import annotations

import torch

from lvm_experiments.accounts import Accounts

CPU = torch.device("cpu")


def test_batches_count_by_their_examples_in_float64() -> None:
    accounts = Accounts()
    accounts.add("train", {"elbo": torch.full((3,), 1e8)}, 3)
    accounts.add("train", {"elbo": torch.tensor([1.0])}, 1)
    assert accounts.means("train") == {"elbo": (3e8 + 1) / 4}


def test_a_stand_in_row_counts_for_nothing() -> None:
    accounts = Accounts()
    accounts.add("train", {"elbo": torch.tensor([-5.0])}, 0)
    assert accounts.sums["train"]["examples"] == 0
    accounts.add("train", {"elbo": torch.tensor([2.0])}, 1)
    assert accounts.means("train") == {"elbo": 2.0}


def test_splits_are_apart_and_begin_anew() -> None:
    accounts = Accounts()
    accounts.add("train", {"elbo": torch.ones(2)}, 2)
    accounts.add("val", {"elbo": torch.zeros(2)}, 2)
    assert accounts.means("train") == {"elbo": 1.0}
    assert accounts.means("train") == {}
    assert accounts.means("val") == {"elbo": 0.0}


def test_goes_on_from_what_was_kept_and_a_new_rank_from_nothing() -> None:
    accounts, other, third = Accounts(), Accounts(), Accounts()
    accounts.add("train", {"elbo": torch.tensor([1.0, 2.0])}, 2)
    kept = accounts.state("train")
    assert kept == [{"names": ["elbo"], "values": [3.0], "examples": 2}]
    other.load_state("train", kept, 0, CPU)
    other.add("train", {"elbo": torch.tensor([6.0])}, 1)
    assert other.means("train") == {"elbo": 3.0}
    third.load_state("train", kept, 1, CPU)
    assert third.means("train") == {}
