"""The importance weighted bound on what was observed."""

from __future__ import annotations

__all__ = ["MissingIWAE"]

import logging

from torch import distributed

from lvm_experiments.batch import Batch
from lvm_experiments.models import LatentVariableModel
from lvm_experiments.objectives.base import Losses, Progress
from lvm_experiments.objectives.iwae import IWAE
from lvm_experiments.processes import several_processes
from lvm_experiments.types import PositiveInt

log = logging.getLogger(__name__)


class MissingIWAE(IWAE):
    r"""MIWAE: the K-sample bound on log p of the observed cells, the others being marginalised out.

    $$ L = -\log \frac{1}{K} \sum_k \frac{p(x_{obs}|z_k) \, p(z_k)}{q(z_k|x_{obs})} , \quad z_k \sim q(z|x_{obs}) $$

    Cells are independent given z, so that missing ones leave the sum over cells; encoders see 0 in their place (the
    mean, where they are centred), and what the data hold there changes nothing. Right where cells are missing at
    random. Where all were observed it is `IWAE`, and says so once. What is missing is filled in by
    `LatentVariableModel.impute`.

    Arguments:
        num_samples: The number K of draws.

    Example:
        >>> MissingIWAE(num_samples=20).needs
        ('in_support', 'mask')

    References:
        | MIWAE: deep generative modelling and imputation of incomplete data sets (Mattei & Frellsen, 2019)
        | https://arxiv.org/abs/1812.02633
    """

    needs = (*IWAE.needs, "mask")  # type: ignore[assignment] # one more than its base has

    def __init__(self, num_samples: PositiveInt = 20) -> None:
        super().__init__(num_samples)
        self._looked = False

    def compute(self, model: LatentVariableModel, batch: Batch, progress: Progress) -> Losses:
        if not self._looked:
            self._looked = True
            alone = not several_processes()
            if batch.observed is None and (alone or distributed.get_rank() == 0):
                log.warning("no cell of the data is missing, and so this is IWAE; data.missing=0.5 hides some")
        return super().compute(model, batch, progress)
