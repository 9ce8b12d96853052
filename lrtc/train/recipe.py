"""What a training run is told: every number that has an effect on the result, in one place."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from lrtc.nn.sampling import VARIANCE_EPS

METHODS = ("lrt", "ste", "float")
FREEZE = ("most_probable", "best_of")
ORDERS = ("input", "output")
PARTS = ("train", "validation")
REESTIMATE = ("always", "unless_worse")


@dataclass(frozen=True)
class Recipe:
    """Hyper-parameters of the stages float → discrete → head. All batches are shuffled and augmented.

    method           "lrt" local reparameterisation, "ste" straight-through estimator, "float" the twin alone
    epochs           of the discrete stage; pretrain_epochs of the float twin before it, head_epochs of the last
                     layer on the fixed discrete features after it
    batch            samples of a step, over all processes; parts: streams of noise, a multiple of the processes
    lr               Adam, of the discrete stage; cosine to 1 % of it. pretrain_lr, head_lr of the other stages
    affine_lr        lr of what is no discrete weight: batchnorms, biases, full-precision layers; 0: lr
    probability_decay, weight_decay   see `lrtc.nn.parameter_groups`
    certainty_decay  λ of λ Σ q(1 − q) over bipolar weights (Shayer 2018, section 3.4): lowers their entropy
    weight_entropy   λ of λ Σ (H − t)² over the random layers, H the mean entropy of a layer's weights in nats
    weight_target    t, from the first to the second linearly over the epochs (Berger 2023, its research code)
    sign_entropy, sign_target   the same of the sampled signs, H the mean entropy of a layer's activations
    clip             logits stay within ±clip
    temperature      of the sampled signs: from the first to the second, geometrically over the epochs
    sign_window      w of the gradient of signs, `lrtc.nn.LRTSign`: of sampled ones and of the hard ones of fixed layers
                     and of "ste", in units of a batchnorm's output. 0.0: Gumbel-softmax, clamp(y, −1, 1)
    variance_floor   eps of every sqrt(s² + eps) in training; nothing of it is in what is saved
    freeze_from      share of the epochs at which the first layer is fixed; the others follow at equal distances, so
                     that the rest is trained on what discrete layers really say. 1.0: nothing is fixed before the end
    freeze           "most_probable", or "best_of" it and freeze_draws draws; also of what is random at the end
    choose_on        what "best_of" and "unless_worse" compare: accuracy on "train" (some samples) or "validation"
    freeze_order     from which side layers are fixed, "input" or "output"
    reestimate       batchnorm statistics at the end, on all training samples, "always" or "unless_worse" on choose_on
                     than those of the last epochs, which are of augmented samples, as the affine parameters are
    settle_from      share of the epochs from which on every weight counts as its most probable value, and learns by
                     the gradient of its mean: nothing is random any more, yet all layers go on learning, at about the
                     cost of "ste". 1.0: never, all is LRT
    sharpen          growth of the logits an epoch, from the share sharpen_from of the epochs on: weights become certain
                     (as far as clip lets them) while all of them still learn; 0.1 is a tenth
    augment_until    share of the epochs of each stage in which samples are augmented
    label_smoothing  of the cross-entropy
    distill          weight of the float twin's softened scores in the loss, at temperature distill_temperature
    precision        as lightning's Trainer takes it: "32-true", "bf16-mixed", …
    """

    method: str = "lrt"
    epochs: int = 20
    pretrain_epochs: int = 4
    head_epochs: int = 0
    batch: int = 128
    parts: int = 1
    lr: float = 1e-2
    affine_lr: float = 0.0
    pretrain_lr: float = 3e-3
    head_lr: float = 1e-3
    probability_decay: float = 1e-11
    weight_decay: float = 1e-4
    certainty_decay: float = 0.0
    weight_entropy: float = 0.0
    weight_target: tuple[float, float] = (0.4, 0.4)
    sign_entropy: float = 0.0
    sign_target: tuple[float, float] = (0.3, 0.3)
    clip: float = 5.0
    temperature: tuple[float, float] = (1.0, 1.0)
    sign_window: float = 0.0
    variance_floor: float = VARIANCE_EPS
    freeze_from: float = 0.6
    freeze: str = "most_probable"
    freeze_draws: int = 8
    choose_on: str = "train"
    freeze_order: str = "input"
    reestimate: str = "always"
    settle_from: float = 1.0
    sharpen: float = 0.0
    sharpen_from: float = 0.5
    augment_until: float = 1.0
    label_smoothing: float = 0.0
    distill: float = 0.0
    distill_temperature: float = 2.0
    precision: str = "32-true"
    seed: int = 0

    def __post_init__(self) -> None:
        for field in fields(self):
            self._check_kind(field.name, getattr(self, field.name), field.default)
        words = {
            "method": METHODS,
            "freeze": FREEZE,
            "freeze_order": ORDERS,
            "choose_on": PARTS,
            "reestimate": REESTIMATE,
        }
        for name, known in words.items():
            if getattr(self, name) not in known:
                raise ValueError(f"{name}={getattr(self, name)!r} is not known; known: {', '.join(known)}")
        for field in fields(self):
            value = getattr(self, field.name)
            numbers = value if isinstance(value, tuple) else (value,)
            if not isinstance(value, str) and min(numbers) < 0:
                raise ValueError(f"{field.name}={value} is not supported; it must not be below 0")
        if self.batch < 1 or self.parts < 1 or self.batch % self.parts:
            raise ValueError(f"batch={self.batch} is not supported; it must be a multiple of parts={self.parts}")
        if min(self.temperature) <= 0:
            raise ValueError(f"temperature={self.temperature} is not supported; both must be above 0")
        if not self.variance_floor:
            raise ValueError("variance_floor=0.0 is not supported; it must be above 0, for a variance may be 0")
        if self.distill > 1:
            raise ValueError(f"distill={self.distill} is not supported; 0 to 1 are")

    @staticmethod
    def _check_kind(name: str, value: object, default: object) -> None:
        """Raise ValueError unless a value is of the kind of the default: text, a whole number, a number, a pair."""
        pair = isinstance(default, tuple)
        of = type(default[0] if pair else default)
        values = value if pair and isinstance(value, tuple) else (value,)
        kinds = (int, float) if of is float else (of,)
        fits = len(values) == (len(default) if pair else 1)
        fits = fits and all(isinstance(v, kinds) and not isinstance(v, bool) for v in values)
        if not fits or not all(isinstance(v, str) or math.isfinite(v) for v in values):
            kind = {str: "text", int: "a whole number", float: "a number"}[of]
            raise ValueError(f"{name}={value!r} is not supported; {'a pair, each ' if pair else ''}{kind} is expected")
