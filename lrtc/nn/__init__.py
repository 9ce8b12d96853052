"""Training: layers whose weights are distributions, and everything that makes a discrete network of them."""

from lrtc.nn.discrete import accuracy, discretize, is_discrete, reestimate_batchnorm
from lrtc.nn.distribution import Gaussian, Moments
from lrtc.nn.heads import LRTScale, QuantLinear
from lrtc.nn.layers import InputQuantize, LRTConv2d, LRTLinear
from lrtc.nn.norm import ExactBatchNorm, LRTBatchNorm, batchnorm_affine, batchnorm_exact
from lrtc.nn.optim import clip_logits, parameter_groups
from lrtc.nn.pretrain import float_twin, init_from_float
from lrtc.nn.sign import LRTSign

__all__ = [
    "ExactBatchNorm",
    "Gaussian",
    "InputQuantize",
    "LRTBatchNorm",
    "LRTConv2d",
    "LRTLinear",
    "LRTScale",
    "LRTSign",
    "Moments",
    "QuantLinear",
    "accuracy",
    "batchnorm_affine",
    "batchnorm_exact",
    "clip_logits",
    "discretize",
    "float_twin",
    "init_from_float",
    "is_discrete",
    "parameter_groups",
    "reestimate_batchnorm",
]
