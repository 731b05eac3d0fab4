from __future__ import annotations

import torch

from lvm_experiments.data import Split
from lvm_experiments.data.streamed_split import StreamedSplit


class Squares(StreamedSplit):
    def __len__(self) -> int:
        return 6

    def __getitem__(self, row: int) -> tuple[torch.Tensor, int | None]:
        return torch.tensor([row, row**2]), row % 3


def test_a_batch_has_all_that_is_known_of_its_rows() -> None:
    x = torch.arange(12, dtype=torch.uint8).reshape(4, 3)
    split = Split(x, label=torch.tensor([5, 6, 7, 8]), mask=x > 4)
    batch = split.take(torch.tensor([3, 1]))
    assert batch.x is not None
    assert batch.mask is not None
    assert batch.label is not None
    assert batch.index is not None
    assert batch.x.dtype == torch.uint8
    assert batch.x.tolist() == [[9, 10, 11], [3, 4, 5]]
    assert batch.mask.tolist() == [[True, True, True], [False, False, True]]
    assert batch.label.tolist() == [8, 6]
    assert batch.index.tolist() == [3, 1]


def test_what_is_not_known_stays_unknown() -> None:
    batch = Split(torch.zeros(4, 3)).take(torch.tensor([0]))
    assert batch.label is None
    assert batch.mask is None


def test_a_selection_is_numbered_anew() -> None:
    rows = torch.tensor([5, 2, 4])
    streamed = Squares().select(rows)
    held = Split(torch.tensor([[r, r**2] for r in range(6)]), torch.arange(6) % 3).select(rows)
    for split in (streamed, held):
        batch = split.take(torch.tensor([2, 0]))
        assert len(split) == 3
        assert batch.x is not None
        assert batch.label is not None
        assert batch.index is not None
        assert batch.x.tolist() == [[4, 16], [5, 25]]
        assert batch.label.tolist() == [1, 2]
        assert batch.index.tolist() == [2, 0]
