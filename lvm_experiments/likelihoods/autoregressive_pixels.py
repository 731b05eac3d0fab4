"""Autoregressive likelihoods of images."""

from __future__ import annotations

__all__ = [
    "AutoregressiveBernoulliLikelihood",
    "AutoregressiveCategoricalLikelihood",
    "AutoregressiveDiscretizedLogisticLikelihood",
    "AutoregressivePixelsLikelihood",
]

from abc import abstractmethod

from torch import Tensor

from lvm_experiments.distributions import AutoregressivePixels
from lvm_experiments.errors import RequestError
from lvm_experiments.likelihoods.base import Likelihood
from lvm_experiments.likelihoods.bernoulli import BernoulliLikelihood
from lvm_experiments.likelihoods.categorical import CategoricalLikelihood
from lvm_experiments.likelihoods.discretized_logistic import DiscretizedLogisticLikelihood
from lvm_experiments.networks.gated_pixel_cnn import GatedPixelCNN
from lvm_experiments.options import options_where
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import PositiveInt


class AutoregressivePixelsLikelihood(Likelihood):
    """Each cell given those before it and the context that the decoder gives to its pixel; see `AutoregressivePixels`.

    A gated PixelCNN reads the cells before, in the order of rows, columns and channels. With few layers it sees
    little of them, and leaves to z what reaches further. No cell may be missing: those after it would have to be
    summed over all its values.

    Training and density take one pass of the network for all cells, a draw takes up to one for each cell.

    Arguments:
        spec: What is known of the data.
        context: The number of context maps, for which the decoder is asked.
        layers: Of the network.
        features: Of each channel in each layer.
        kernel: The side of the convolutions, odd and at least 3.

    Raises:
        RequestError: Where the data are no images.
    """

    mask = None
    has_moments = False

    def __init__(
        self,
        spec: DataSpec,
        context: PositiveInt,
        layers: PositiveInt,
        features: PositiveInt,
        kernel: PositiveInt = 5,
    ) -> None:
        super().__init__(spec)
        if len(spec.shape) != 3:
            can = options_where("model/likelihood", lambda kind: kind.space == self.space and kind.has_moments)
            raise RequestError(
                f"{type(self).__name__} takes images, shape (C, H, W), and the data have shape {spec.shape}",
                where="model.likelihood",
                hint=f"choose model/likelihood={'|'.join(can)}",
            )
        self.cells = self.likelihood_of_a_cell(spec)
        channels, *image = spec.shape
        self.network = GatedPixelCNN(channels, context, self.cells.parameter_shape[0], layers, features, kernel)
        self.parameter_shape = (context, 1, *image)

    @abstractmethod
    def likelihood_of_a_cell(self, spec: DataSpec) -> Likelihood:
        """What a cell's own parameters, which the network gives, are those of."""

    def forward(self, raw: Tensor) -> AutoregressivePixels:
        return AutoregressivePixels(raw, self.network, self.cells, self.spec.shape[0], max(self.spec.levels, 2))


class AutoregressiveBernoulliLikelihood(AutoregressivePixelsLikelihood):
    r"""$p(x|z) = \prod_d \mathrm{Bernoulli}(x_d; \sigma(\ell_d(x_{<d}, z)))$ for images of binary cells.

    A gated PixelCNN reads the cells before d, in the order of rows, columns and channels, and the context that the
    decoder gives to d's pixel. With few layers it sees little of the image, and leaves to z what reaches further. No
    cell may be missing: those after it would have to be summed over all its values.

    Training and density take one pass of the network for all cells, a draw takes up to one for each cell; what
    stands for the mean is told in `AutoregressivePixels`.

    Arguments:
        spec: What is known of the data.
        context: The number of context maps, for which the decoder is asked.
        layers: Of the network.
        features: Of each channel in each layer.
        kernel: The side of the convolutions, odd and at least 3.

    Raises:
        RequestError: Where the data are no images.

    Example:
        >>> spec = DataSpec("binary", (1, 8, 8), levels=2)
        >>> likelihood = AutoregressiveBernoulliLikelihood(spec, context=2, layers=1, features=4)
        >>> likelihood.parameter_shape
        (2, 1, 8, 8)

    References:
        | PixelVAE: a latent variable model for natural images (Gulrajani et al., 2017)
        | https://arxiv.org/abs/1611.05013
        | Conditional image generation with PixelCNN decoders (van den Oord et al., 2016)
        | https://arxiv.org/abs/1606.05328
    """

    space = "binary"

    def likelihood_of_a_cell(self, spec: DataSpec) -> Likelihood:
        return BernoulliLikelihood(spec)


class AutoregressiveCategoricalLikelihood(AutoregressivePixelsLikelihood):
    r"""$p(x|z) = \prod_d \mathrm{softmax}(\ell_d(x_{<d}, z))_{x_d}$ for images of countable levels.

    As `AutoregressiveBernoulliLikelihood`, with a probability of its own for each level of a cell: the network gives
    `levels` numbers a cell, 256 of 28 x 28 cells in float32 being 0.8 MB for each example and draw.

    Arguments:
        spec: What is known of the data; its `levels` are the categories.
        context: The number of context maps, for which the decoder is asked.
        layers: Of the network.
        features: Of each channel in each layer.
        kernel: The side of the convolutions, odd and at least 3.

    Raises:
        RequestError: Where the data are no images.
        ValueError: Where they have no countable levels.

    Example:
        >>> spec = DataSpec("bytes", (3, 8, 8), levels=4)
        >>> likelihood = AutoregressiveCategoricalLikelihood(spec, context=2, layers=1, features=4)
        >>> likelihood(torch.zeros(1, 1, 2, 1, 8, 8)).log_prob(torch.zeros(1, 3, 8, 8)).shape
        torch.Size([1, 1])

    References:
        | PixelVAE: a latent variable model for natural images (Gulrajani et al., 2017)
        | https://arxiv.org/abs/1611.05013
        | Pixel recurrent neural networks (van den Oord, Kalchbrenner & Kavukcuoglu, 2016)
        | https://arxiv.org/abs/1601.06759
    """

    space = "bytes"

    def likelihood_of_a_cell(self, spec: DataSpec) -> Likelihood:
        return CategoricalLikelihood(spec)


class AutoregressiveDiscretizedLogisticLikelihood(AutoregressivePixelsLikelihood):
    r"""$p(x|z) = \prod_d \mathrm{DiscretizedLogistic}(x_d; (\mu, s)_d(x_{<d}, z))$ for images of countable levels.

    As `AutoregressiveBernoulliLikelihood`, with two numbers a cell, location and log scale, that know the order
    of levels.

    Arguments:
        spec: What is known of the data; its `levels` are the bins.
        context: The number of context maps, for which the decoder is asked.
        layers: Of the network.
        features: Of each channel in each layer.
        kernel: The side of the convolutions, odd and at least 3.

    Raises:
        RequestError: Where the data are no images.
        ValueError: Where they have no countable levels.

    Example:
        >>> spec = DataSpec("bytes", (1, 8, 8), levels=256)
        >>> likelihood = AutoregressiveDiscretizedLogisticLikelihood(spec, context=2, layers=1, features=4)
        >>> likelihood(torch.zeros(1, 1, 2, 1, 8, 8)).mean.shape
        torch.Size([1, 1, 1, 8, 8])

    References:
        | PixelVAE: a latent variable model for natural images (Gulrajani et al., 2017)
        | https://arxiv.org/abs/1611.05013
        | Improved variational inference with inverse autoregressive flow (Kingma et al., 2016)
        | https://arxiv.org/abs/1606.04934
    """

    space = "bytes"

    def likelihood_of_a_cell(self, spec: DataSpec) -> Likelihood:
        return DiscretizedLogisticLikelihood(spec)
