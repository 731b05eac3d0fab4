"""Objectives: what training minimises."""

__all__ = [
    "CIWAE",
    "DIP",
    "ELBO",
    "GECO",
    "IWAE",
    "PIWAE",
    "RWS",
    "STL",
    "TVO",
    "VR",
    "WAE",
    "Adversarial",
    "BetaTC",
    "Capacity",
    "Constant",
    "Cyclic",
    "DReG",
    "Factor",
    "FreeBits",
    "Info",
    "Linear",
    "Losses",
    "MarginalLikelihood",
    "MissingIWAE",
    "MultipleIWAE",
    "Objective",
    "Progress",
    "Schedule",
    "SemiSupervised",
    "Sigmoid",
]

from lvm_experiments.objectives.adversarial import Adversarial
from lvm_experiments.objectives.base import Losses, Objective, Progress
from lvm_experiments.objectives.beta_tc import BetaTC
from lvm_experiments.objectives.capacity import Capacity
from lvm_experiments.objectives.ciwae import CIWAE
from lvm_experiments.objectives.dip import DIP
from lvm_experiments.objectives.dreg import DReG
from lvm_experiments.objectives.elbo import ELBO
from lvm_experiments.objectives.factor import Factor
from lvm_experiments.objectives.free_bits import FreeBits
from lvm_experiments.objectives.geco import GECO
from lvm_experiments.objectives.info import Info
from lvm_experiments.objectives.iwae import IWAE
from lvm_experiments.objectives.marginal_likelihood import MarginalLikelihood
from lvm_experiments.objectives.miwae_missing import MissingIWAE
from lvm_experiments.objectives.miwae_multiple import MultipleIWAE
from lvm_experiments.objectives.piwae import PIWAE
from lvm_experiments.objectives.rws import RWS
from lvm_experiments.objectives.schedules import Constant, Cyclic, Linear, Schedule, Sigmoid
from lvm_experiments.objectives.semi_supervised import SemiSupervised
from lvm_experiments.objectives.stl import STL
from lvm_experiments.objectives.tvo import TVO
from lvm_experiments.objectives.vr import VR
from lvm_experiments.objectives.wae_mmd import WAE
