"""Encoders and decoders: plain networks, no probability in them."""

__all__ = [
    "ConvEncoder",
    "Decoder",
    "DeconvDecoder",
    "Encoder",
    "GRUEncoder",
    "GatedConvDecoder",
    "GatedConvEncoder",
    "GatedDeconvDecoder",
    "GatedMLPDecoder",
    "GatedMLPEncoder",
    "LSTMEncoder",
    "MLPDecoder",
    "MLPEncoder",
    "ResNetDecoder",
    "ResNetEncoder",
    "SetEncoder",
    "TopicDecoder",
    "TransformerEncoder",
]

from lvm_experiments.networks.base import Decoder, Encoder
from lvm_experiments.networks.conv import ConvEncoder
from lvm_experiments.networks.deconv import DeconvDecoder
from lvm_experiments.networks.gated_conv import GatedConvDecoder, GatedConvEncoder, GatedDeconvDecoder
from lvm_experiments.networks.gated_mlp import GatedMLPDecoder, GatedMLPEncoder
from lvm_experiments.networks.mlp import MLPDecoder, MLPEncoder
from lvm_experiments.networks.recurrent import GRUEncoder, LSTMEncoder
from lvm_experiments.networks.resnet import ResNetDecoder, ResNetEncoder
from lvm_experiments.networks.set_encoder import SetEncoder
from lvm_experiments.networks.topics import TopicDecoder
from lvm_experiments.networks.transformer import TransformerEncoder
