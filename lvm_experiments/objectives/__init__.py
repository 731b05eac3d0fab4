"""Objectives: what training minimises."""

__all__ = ["ELBO", "IWAE", "Constant", "Linear", "Losses", "Objective", "Progress", "Schedule"]

from lvm_experiments.objectives.base import Losses, Objective, Progress
from lvm_experiments.objectives.elbo import ELBO
from lvm_experiments.objectives.iwae import IWAE
from lvm_experiments.objectives.schedules import Constant, Linear, Schedule
