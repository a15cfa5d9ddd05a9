"""CycleGAN: two generators, two discriminators and two pools in one module."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from torch import Tensor, nn

from cvgen_course.cyclegan.image_pool import ImagePool
from cvgen_course.cyclegan.losses import require_domains
from cvgen_course.cyclegan.steps import CYCLE_WEIGHT, IDENTITY_WEIGHT, generators_loss
from cvgen_course.gan import least_squares_discriminator_loss


class CycleGAN(nn.Module):
    """Two translations that are each other's way back, and a critic at each end.

    In each step the generators learn first; the discriminators are then shown the fakes that were
    just made, through the pools.

    Args:
        make_generator: returns a generator, images (N, C, H, W) → the same shape; called twice.
        make_discriminator: returns a discriminator, images (N, C, H, W) → logits; called twice.
        cycle_weights: λ of the way from A to B and back, and of that from B to A and back.
        identity_weight: of the identity loss.
        capacity: images that each pool keeps; 0 for none.

    Attributes:
        generators: from A to B, and from B to A, by the names ``"ab"`` and ``"ba"``.
        discriminators: of A, and of B, by the names ``"a"`` and ``"b"``.
        pools: of fakes of A, and of B; part of the module's state.

    Source:
        Zhu et al., "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial
        Networks", ICCV 2017, arXiv:1703.10593.
    """

    def __init__(
        self,
        make_generator: Callable[[], nn.Module],
        make_discriminator: Callable[[], nn.Module],
        cycle_weights: tuple[float, float] = (CYCLE_WEIGHT, CYCLE_WEIGHT),
        identity_weight: float = IDENTITY_WEIGHT,
        capacity: int = 50,
    ) -> None:
        super().__init__()
        self.generators = nn.ModuleDict({way: make_generator() for way in ("ab", "ba")})
        self.discriminators = nn.ModuleDict({of: make_discriminator() for of in "ab"})
        self.pools = nn.ModuleDict({of: ImagePool(capacity) for of in "ab"})
        self.cycle_weights, self.identity_weight = cycle_weights, identity_weight
        self._fakes: tuple[Tensor, Tensor] | None = None

    def to_b(self, a: Tensor) -> Tensor:
        """Translate images of A, (N, C, H, W), into B."""
        return self.generators["ab"](a)

    def to_a(self, b: Tensor) -> Tensor:
        """Translate images of B, (N, C, H, W), into A."""
        return self.generators["ba"](b)

    def generators_loss(self, a: Tensor, b: Tensor) -> dict[str, Tensor]:
        """Return the parts of what both generators minimise together, see `generators_loss`.

        The fakes are remembered for the discriminators.
        """
        made = generators_loss(
            (self.to_b, self.to_a),
            (self.discriminators["a"], self.discriminators["b"]),
            a,
            b,
            self.cycle_weights,
            self.identity_weight,
        )
        self._fakes = made.fake_a.detach(), made.fake_b.detach()
        return made.parts

    def discriminators_loss(self, a: Tensor, b: Tensor) -> Tensor:
        """Return the sum of both discriminators' losses, 0-dimensional.

        The fakes are those that the generators made last, through the pools.

        Raises:
            RuntimeError: ``generators_loss`` has not been called since these were used.
        """
        require_domains(a, b)
        if self._fakes is None:
            raise RuntimeError("discriminators_loss: expected a call of generators_loss before it")
        fakes, self._fakes = self._fakes, None
        return self._discriminator_loss("a", a, fakes[0]) + self._discriminator_loss(
            "b", b, fakes[1]
        )

    def _discriminator_loss(self, of: str, real: Tensor, fake: Tensor) -> Tensor:
        discriminator, pool = self.discriminators[of], cast(ImagePool, self.pools[of])
        shown = pool.query(fake)
        return least_squares_discriminator_loss(discriminator(real), discriminator(shown))
