"""Training: layers whose weights are distributions, and everything that makes a discrete network of them."""

from lrtc.nn.discrete import accuracy, discretize, is_discrete, reestimate_batchnorm
from lrtc.nn.distribution import Gaussian, Moments
from lrtc.nn.heads import LRTScale, QuantLinear
from lrtc.nn.layers import InputQuantize, LRTConv1d, LRTConv2d, LRTLinear
from lrtc.nn.norm import ExactBatchNorm, LRTBatchNorm, LRTGain, batchnorm_affine, batchnorm_exact
from lrtc.nn.optim import clip_logits, parameter_groups, sharpen_logits
from lrtc.nn.pool import LRTMaxPool2d
from lrtc.nn.pretrain import float_twin, init_from_float
from lrtc.nn.quantized import LRTReLU, QuantActivation, QuantConv1d, QuantConv2d
from lrtc.nn.sign import LRTSign, LRTTernarySign
from lrtc.nn.straight import StraightThrough, clip_latents, discrete_from_straight_through, straight_through
from lrtc.nn.structure import (
    Add,
    ChannelChunk,
    ChannelSlice,
    Concat,
    ExactAvgPool1d,
    ExactAvgPool2d,
    ExactMean,
    Maximum,
    Minimum,
    Permute,
    Reshape,
    SpaceSlice,
    SumPool2d,
    TopClasses,
    Transpose,
)

__all__ = [
    "Add",
    "ChannelChunk",
    "ChannelSlice",
    "Concat",
    "ExactAvgPool1d",
    "ExactAvgPool2d",
    "ExactBatchNorm",
    "ExactMean",
    "Gaussian",
    "InputQuantize",
    "LRTBatchNorm",
    "LRTConv1d",
    "LRTConv2d",
    "LRTGain",
    "LRTLinear",
    "LRTMaxPool2d",
    "LRTReLU",
    "LRTScale",
    "LRTSign",
    "LRTTernarySign",
    "Maximum",
    "Minimum",
    "Moments",
    "Permute",
    "QuantActivation",
    "QuantConv1d",
    "QuantConv2d",
    "QuantLinear",
    "Reshape",
    "SpaceSlice",
    "StraightThrough",
    "SumPool2d",
    "TopClasses",
    "Transpose",
    "accuracy",
    "batchnorm_affine",
    "batchnorm_exact",
    "clip_latents",
    "clip_logits",
    "discrete_from_straight_through",
    "discretize",
    "float_twin",
    "init_from_float",
    "is_discrete",
    "parameter_groups",
    "reestimate_batchnorm",
    "sharpen_logits",
    "straight_through",
]
