"""Data sets and how they are batched. One class per data set; `conf/data` has a file for each."""

from __future__ import annotations

__all__ = [
    "BinarizedMnist",
    "Caltech101Silhouettes",
    "Cifar10",
    "Data",
    "DataSet",
    "Digits",
    "FashionMnist",
    "FreyFaces",
    "ImageFolder",
    "IndexLoader",
    "Kmnist",
    "Loaders",
    "Mnist",
    "MouseBladder",
    "Newsgroups",
    "Npz",
    "Omniglot28",
    "Pbmc3k",
    "Ptb",
    "Smfish",
    "Split",
    "StreamedSplit",
    "Svhn",
    "Text",
    "TrainingExamples",
    "Uci",
]

from lvm_experiments.data.binarized_mnist import BinarizedMnist
from lvm_experiments.data.caltech101_silhouettes import Caltech101Silhouettes
from lvm_experiments.data.cifar10 import Cifar10
from lvm_experiments.data.data import Data
from lvm_experiments.data.dataset import DataSet
from lvm_experiments.data.digits import Digits
from lvm_experiments.data.fashion_mnist import FashionMnist
from lvm_experiments.data.frey_faces import FreyFaces
from lvm_experiments.data.image_folder import ImageFolder
from lvm_experiments.data.kmnist import Kmnist
from lvm_experiments.data.loader import IndexLoader
from lvm_experiments.data.loaders import Loaders
from lvm_experiments.data.mnist import Mnist
from lvm_experiments.data.mouse_bladder import MouseBladder
from lvm_experiments.data.newsgroups import Newsgroups
from lvm_experiments.data.npz import Npz
from lvm_experiments.data.omniglot28 import Omniglot28
from lvm_experiments.data.pbmc3k import Pbmc3k
from lvm_experiments.data.ptb import Ptb
from lvm_experiments.data.smfish import Smfish
from lvm_experiments.data.split import Split
from lvm_experiments.data.streamed_split import StreamedSplit
from lvm_experiments.data.svhn import Svhn
from lvm_experiments.data.text import Text
from lvm_experiments.data.training_examples import TrainingExamples
from lvm_experiments.data.uci import Uci
