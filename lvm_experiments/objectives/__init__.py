"""Objectives: what training minimises."""

__all__ = [
    "CIWAE",
    "ELBO",
    "GECO",
    "IWAE",
    "PIWAE",
    "RWS",
    "STL",
    "TVO",
    "VR",
    "Capacity",
    "Constant",
    "Cyclic",
    "DReG",
    "FreeBits",
    "Linear",
    "Losses",
    "MarginalLikelihood",
    "MultipleIWAE",
    "Objective",
    "Progress",
    "Schedule",
    "SemiSupervised",
    "Sigmoid",
]

from lvm_experiments.objectives.base import Losses, Objective, Progress
from lvm_experiments.objectives.capacity import Capacity
from lvm_experiments.objectives.ciwae import CIWAE
from lvm_experiments.objectives.dreg import DReG
from lvm_experiments.objectives.elbo import ELBO
from lvm_experiments.objectives.free_bits import FreeBits
from lvm_experiments.objectives.geco import GECO
from lvm_experiments.objectives.iwae import IWAE
from lvm_experiments.objectives.marginal_likelihood import MarginalLikelihood
from lvm_experiments.objectives.miwae_multiple import MultipleIWAE
from lvm_experiments.objectives.piwae import PIWAE
from lvm_experiments.objectives.rws import RWS
from lvm_experiments.objectives.schedules import Constant, Cyclic, Linear, Schedule, Sigmoid
from lvm_experiments.objectives.semi_supervised import SemiSupervised
from lvm_experiments.objectives.stl import STL
from lvm_experiments.objectives.tvo import TVO
from lvm_experiments.objectives.vr import VR
