"""Encoders and decoders: plain networks, no probability in them."""

__all__ = ["ConvEncoder", "Decoder", "DeconvDecoder", "Encoder", "MLPDecoder", "MLPEncoder"]

from lvm_experiments.networks.base import Decoder, Encoder
from lvm_experiments.networks.conv import ConvEncoder
from lvm_experiments.networks.deconv import DeconvDecoder
from lvm_experiments.networks.mlp import MLPDecoder, MLPEncoder
