"""What every latent variable model can do, from the one method it writes."""

from __future__ import annotations

__all__ = ["LatentVariableModel", "Pick"]

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from lvm_experiments.batch import Batch
from lvm_experiments.distributions import Observation, draw_from, representative
from lvm_experiments.examples import Examples
from lvm_experiments.likelihoods import Likelihood
from lvm_experiments.models.draw import Draw, Latents, Step, total
from lvm_experiments.models.evidence import Evidence
from lvm_experiments.models.imputation import impute
from lvm_experiments.noise import keyed_noise
from lvm_experiments.posteriors import Posterior
from lvm_experiments.spec import DataSpec

Pick = Callable[[str, Callable[[], Distribution], Distribution | Callable[[], Distribution]], Tensor]

MEAN_DRAWS = 64  # of a posterior whose mean has no closed form
_MEAN_STREAM = 2  # of keyed noise; draws take 0 and observation maps 1


class LatentVariableModel(nn.Module, ABC):
    """A model p(x, z) with an inference q(z|x).

    A new one writes `walk`; the simplest to read is `VAE`.

    Attributes:
        spec: What is known of the data, in the likelihood's space.
        likelihood: Its likelihood.
        one_latent: Whether there is one latent variable only.
    """

    spec: DataSpec
    likelihood: Likelihood
    one_latent: ClassVar[bool] = False

    @abstractmethod
    def walk(self, batch: Batch, pick: Pick) -> Callable[[], Observation]:
        """Names the latents, in ancestral order unless inference has another, and returns p(x|z).

        Arguments:
            batch: What was seen; its x is None when drawing from the prior.
            pick: `pick(name, q, p)` gives the value of a latent, shape `(K, B, *event)`. `q` is a callable, used
                only when x is given. Where inference goes from the bottom up, so that p hangs on a latent yet to
                be drawn, p is a callable too; where x is None the order is ancestral and p a distribution.

        Returns:
            A callable, so that the decoder runs only where p(x|z) is wanted.
        """

    # ---- before training

    @property
    def posteriors(self) -> list[Posterior]:
        """Its approximate posteriors, whose facts objectives ask for; an exact model has none."""
        return [part for part in self.modules() if isinstance(part, Posterior)]

    def prepare(self, examples: Examples) -> None:
        """Shows training examples to every part that has a `prepare` of its own; called once, before training."""
        for part in self.modules():
            prepare: Any = getattr(part, "prepare", None)
            if part is not self and prepare is not None:
                prepare(examples)

    def fit(self, examples: Examples) -> bool:
        """Fits what has a closed form, or by expectation maximisation; whether nothing is left for gradients."""
        return False

    # ---- what it is conditioned on

    def condition_of(self, batch: Batch) -> Tensor | None:
        """What examples are conditioned on, shape `(B, C)`; None where nothing is."""
        return batch.condition

    def conditions(self, n: int) -> Tensor | None:
        """n conditions to draw from the prior with, shape `(n, C)`, where nobody names any."""
        return None

    def of_label(self, label: int) -> tuple[Tensor | None, Latents]:
        """The condition `(1, C)` and the latents `(1, 1, *event)` with which draws are of a class.

        Raises:
            ValueError: Where labels play no part in the model, or there is no such class.
        """
        raise ValueError("labels play no part in this model")

    # ---- inference

    def draw(
        self,
        batch: Batch | Tensor,
        num_samples: int = 1,
        *,
        differentiable: bool = True,
        given: Latents | None = None,
    ) -> Draw:
        """K draws from q(z|x) for each example.

        Arguments:
            batch: B examples in the likelihood's space.
            num_samples: K.
            differentiable: By reparameterisation (training); else as the family is defined (evaluation).
            given: Latents that are not drawn, by name, shape `(K, B, *event)`.
        """
        batch, steps = Batch.wrap(batch), {}

        def pick(name: str, q: Callable[[], Distribution], p: Any) -> Tensor:
            posterior = q()
            if given is not None and name in given:
                steps[name] = Step(given[name], posterior, p)
                return given[name]
            # K is added once, at the first latent; what hangs on it has it already.
            shape = (num_samples,) if len(posterior.batch_shape) < 2 else ()
            z, log_q = draw_from(posterior, shape, differentiable=differentiable)
            steps[name] = Step(z, posterior, p, log_q)
            return z

        return Draw(batch, steps, self.walk(batch, pick))

    def score(self, batch: Batch | Tensor, z: Latents) -> Draw:
        """The same walk at given latents, shape `(K, B, *event)` each."""
        batch = Batch.wrap(batch)
        steps, p_x = self._walk_at(batch, z)
        return Draw(batch, steps, p_x)

    def _walk_at(self, batch: Batch, z: Latents) -> tuple[dict[str, Step], Callable[[], Observation]]:
        steps: dict[str, Step] = {}

        def pick(name: str, q: Callable[[], Distribution], p: Any) -> Tensor:
            steps[name] = Step(z[name], q(), p)
            return z[name]

        p_x = self.walk(batch, pick)
        return steps, p_x

    def log_joint(self, batch: Batch | Tensor, z: Latents) -> Tensor:
        """log p(x, z), shape `(K, B)`."""
        return self.score(batch, z).log_joint

    def log_posterior(self, batch: Batch | Tensor, z: Latents, *, frozen: bool = False) -> Tensor:
        """log q(z|x), shape `(K, B)`.

        Arguments:
            batch: B examples.
            z: The latents.
            frozen: Gradients reach z and no parameter; what generalised doubly reparameterised gradients need.
        """
        # Detached while log q is evaluated, not only while q is built: flows read their weights when asked.
        with _detached(self) if frozen else nullcontext():
            steps, _ = self._walk_at(Batch.wrap(batch), z)
            return total(step.log_q for step in steps.values())

    @torch.no_grad()
    def sample(
        self, n: int, condition: Tensor | None = None, *, mean: bool = False, given: Latents | None = None
    ) -> Tensor:
        """Draws of x: z from the prior, then x from the likelihood.

        Arguments:
            n: How many.
            condition: What to condition on, shape `(B, C)`; a conditional model takes its own where there is none.
            mean: Whether to return what stands for x given z, its mean or (of categories) its mode, and no draw.
            given: Latents that are not drawn, by name; they broadcast against `(n, B, *event)`.

        Returns:
            Shape `(n, *shape)`, or `(n, B, *shape)` with conditions.
        """
        if condition is None and (own := self.conditions(n)) is not None:
            return self.sample(1, own, mean=mean, given=given)[0]
        width = 1 if condition is None else len(condition)

        def pick(name: str, q: Callable[[], Distribution], p: Any) -> Tensor:
            if given is not None and name in given:
                return given[name].expand(n, width, *given[name].shape[2:])
            return p.sample((n, width)[: 2 - len(p.batch_shape)])

        x = self.walk(Batch(None, condition=condition), pick)()
        values = x.representative if mean else x.sample()
        return values[:, 0] if condition is None else values

    @torch.no_grad()
    def encode(self, batch: Batch | Tensor) -> Latents:
        """The posterior means, shape `(B, *event)` each; of 64 draws where a family has no mean in closed form."""
        batch = Batch.wrap(batch)
        return self._latents(batch, lambda q: _mean_of(q, batch))

    @torch.no_grad()
    def reconstruct(self, batch: Batch | Tensor) -> Tensor:
        """What stands for x given the z that stands for q(z|x): means, of categories modes; shape `(B, *shape)`."""
        batch = Batch.wrap(batch)
        z = self._latents(batch, lambda q: representative(q, lambda: _mean_of(q, batch)))
        return self.decode(z, self.condition_of(batch))

    def _latents(self, batch: Batch, point: Callable[[Distribution], Tensor]) -> Latents:
        latents: Latents = {}

        def pick(name: str, q: Callable[[], Distribution], p: Any) -> Tensor:
            posterior = q()
            z = point(posterior)
            z = z if len(posterior.batch_shape) > 1 else z[None]
            latents[name] = z[0]
            return z

        self.walk(batch, pick)
        return latents

    @torch.no_grad()
    def decode(self, z: Latents, condition: Tensor | None = None) -> Tensor:
        """What stands for x, shape `(B, *shape)`, given latents `(B, *event)`: its mean, of categories the mode."""
        if condition is None:
            condition = self.conditions(len(next(iter(z.values()))))
        return self.walk(Batch(None, condition=condition), lambda name, q, p: z[name][None])().representative[0]

    def classify(self, batch: Batch) -> Tensor | None:
        """q(y|x) of the label, shape `(B, classes)`; None for a model of which the label is no latent."""
        return None

    @torch.no_grad()
    def draws(
        self, batch: Batch | Tensor, num_samples: int, *, chunk: int | None = None, seed: int | None = None
    ) -> Iterator[Draw]:
        """`num_samples` draws in chunks, exactly as many as asked for, whatever the chunk.

        Arguments:
            batch: B examples.
            num_samples: K.
            chunk: Draws at a time; None: all.
            seed: Keys the noise by example and draw, so that no number depends on the chunk; None: torch's
                default generator.

        Raises:
            ValueError: For no draw at all, or a seed without the examples' numbers.
        """
        if num_samples < 1:
            raise ValueError(f"an estimate takes at least one draw, not {num_samples}")
        batch = Batch.wrap(batch)
        step = min(chunk or num_samples, num_samples)
        for first in range(0, num_samples, step):
            size = min(step, num_samples - first)
            if seed is None:
                yield self.draw(batch, size, differentiable=False)
                continue
            if batch.index is None:
                raise ValueError("keyed noise needs the examples' numbers")
            with keyed_noise(batch.index, seed, first):
                drawn = self.draw(batch, size, differentiable=False)
            yield drawn

    @torch.no_grad()
    def evidence(
        self, batch: Batch | Tensor, num_samples: int, *, chunk: int | None = None, seed: int | None = None
    ) -> Evidence:
        """log p(x) with its error; exact models override it.

        Raises:
            ValueError: For observations outside the likelihood's support.
        """
        batch = Batch.wrap(batch)
        if batch.x is not None:
            self.likelihood.check(batch.x, batch.observed)
        draws = self.draws(batch, num_samples, chunk=chunk, seed=seed)
        return Evidence.from_log_weights(torch.cat([d.log_weight.double() for d in draws]))

    def log_evidence(self, batch: Batch | Tensor, num_samples: int) -> Tensor:
        """log p(x) in nats, shape `(B,)`."""
        return self.evidence(batch, num_samples).log_p

    @torch.no_grad()
    def impute(
        self, batch: Batch | Tensor, num_samples: int, *, chunk: int | None = None, seed: int | None = None
    ) -> Tensor:
        """x with its missing cells filled in by their mean given the observed ones, shape `(B, *shape)`.

        Arguments:
            batch: B examples.
            num_samples: How many draws the mean is estimated from.
            chunk: Draws at a time; None: all.
            seed: Keys the noise by example and draw; None: torch's default generator.

        Raises:
            ValueError: For observations outside the likelihood's support, and a likelihood that knows no means.
        """
        batch = Batch.wrap(batch)
        if batch.x is None:
            raise ValueError("there are no observations to go by")
        if batch.observed is None:
            return batch.x
        if not self.likelihood.has_moments:
            raise ValueError(f"{type(self.likelihood).__name__} knows no mean of a cell")
        self.likelihood.check(batch.x, batch.observed)
        return impute(batch, self.draws(batch, num_samples, chunk=chunk, seed=seed), self.spec)


@contextmanager
def _detached(model: nn.Module) -> Iterator[None]:
    """Inside, no parameter of the model asks for gradients; tensors that hang on z still carry them."""
    wanted = [p for p in model.parameters() if p.requires_grad]
    for p in wanted:
        p.requires_grad_(False)
    try:
        yield
    finally:
        for p in wanted:
            p.requires_grad_(True)


def _mean_of(q: Distribution, batch: Batch) -> Tensor:
    """E_q[z], or the mean of draws that belong to the examples where it has no closed form."""
    try:
        return q.mean
    except NotImplementedError:
        index = torch.arange(len(batch)) if batch.index is None else batch.index
    draws = []
    for k in range(MEAN_DRAWS):
        with keyed_noise(index, seed=0, first=k, stream=_MEAN_STREAM):
            draws.append(draw_from(q, (1,) * (2 - len(q.batch_shape)), differentiable=False)[0])
    mean = torch.stack(draws).mean(0)
    return mean if len(q.batch_shape) > 1 else mean[0]
