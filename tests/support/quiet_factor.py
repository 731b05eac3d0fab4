"""FactorVAE without any noise, so that several processes compute what one does."""

from __future__ import annotations

from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.models import VAE, Draw, LatentVariableModel
from lvm_experiments.models.draw import Latents
from lvm_experiments.objectives import Factor


class QuietFactor(Factor):
    """Latents are posterior means, and each example's dimensions change places with one another."""

    def draw(
        self, model: LatentVariableModel, batch: Batch, num_samples: int = 1, *, given: Latents | None = None
    ) -> Draw:
        assert isinstance(model, VAE)
        return super().draw(model, batch, given={"z": model.q_z(batch).mean[None]})

    def permuted(self, z: Tensor) -> Tensor:
        return z.flip(-1)
