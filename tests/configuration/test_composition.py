from __future__ import annotations

import hydra
import pytest
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

from lvm_experiments.configuration import ConfigTree, compose, compose_job, points, register_resolvers
from lvm_experiments.errors import RequestError

GOOD = [
    [],
    ["seed=3"],
    ["model=large"],
    ["model/encoder=wide", "model.encoder.hidden=[1,2]"],
    ["experiment=large", "model=small"],
    ["scheduler=step", "scheduler.step_size=9"],
    ["~callbacks.stopping"],
    ["~model.rate=0.5"],
    ["callbacks.stopping=null"],
    ["++model.latent_dim=5"],
    ["+trainer.min_epochs=2"],
    ["model.encoder={hidden: [3, 4]}"],
    ["tags=[a,'b c']", "paths.root=/some/where"],
    ["model.latent_dim=${seed}"],
    ["hydra.job.chdir=false", "hydra.verbose=true"],
    ["model.encoder.hidden.0=5"],
]


@pytest.mark.parametrize("words", GOOD, ids=" ".join)
def test_is_what_hydra_composes(words: list[str], toy: ConfigTree) -> None:
    register_resolvers("0123")
    with hydra.initialize_config_dir(str(toy.folders[0]), version_base=None):
        theirs = hydra.compose("config", words, return_hydra_config=True)
    HydraConfig.instance().set_config(theirs)
    plain = OmegaConf.to_container(OmegaConf.masked_copy(theirs, [k for k in theirs if k != "hydra"]))
    theirs = OmegaConf.create({**plain})
    expected = OmegaConf.to_container(theirs, resolve=True)
    assert OmegaConf.to_container(compose_job(words, tree=toy, run_id="0123").config) == expected


def test_leaves_hydra_as_it_was(toy: ConfigTree) -> None:
    before = HydraConfig.instance().cfg, GlobalHydra.instance().is_initialized()
    compose([], tree=toy)
    assert (HydraConfig.instance().cfg, GlobalHydra.instance().is_initialized()) == before


def test_a_run_has_one_random_word_of_its_own(toy: ConfigTree) -> None:
    one, other = (compose_job([], tree=toy) for _ in range(2))
    assert one.config.name != other.config.name
    assert one.run_dir.name == one.config.name
    assert one.choices["model"] == "small"


REFUSED = {
    "model=smal": "model: no option 'smal'; did you mean small? options: large, small",
    "model=null": "model: no option 'null'; options: large, small",
    "scheduler=null": "scheduler: no option 'null'; did you mean none? options: none, open, step",
    "model/encodr=wide": "model/encodr: no such group; did you mean model/encoder?",
    "latent_dim=3": "latent_dim: no such key; did you mean model.latent_dim?",
    "model.latnt_dim=3": "model.latnt_dim: no such key; did you mean model.latent_dim?",
    "+model.latnt_dim=3": "model.latnt_dim: no such key; did you mean model.latent_dim?",
    "++model.latnt_dim=3": "model.latnt_dim: no such key; did you mean model.latent_dim?",
    "+trainer.max_epoch=3": "trainer.max_epoch: no such key; did you mean trainer.max_epochs?",
    "+sede=3": "sede: no such key; did you mean seed?",
    "++extra.deep.key=3": "extra.deep.key: no such key; did you mean extra_tags?",
    "++zzz.deep.key=3": "zzz.deep.key: no such key; valid here: name, seed, ",
    "+model.latent_dim=3": "+model.latent_dim=3: the key is there already; drop the plus: model.latent_dim=3",
    "+model=large": "+model=large: the group has an option already; drop the plus: model=large",
    "++model=large": "++model=large: options are chosen without a plus; write model=NAME",
    "~model": "~model: a group cannot be taken away; write model=NAME",
    "~model.latnt_dim": "model.latnt_dim: no such key; did you mean model.latent_dim?",
    "~scheduler.step_size": "scheduler.step_size: no such key; scheduler is empty",
    "~monitor": "~monitor: it is null; give it a value with monitor=VALUE",
    "~model.rate=3": "~model.rate=3: it is 0.5; write ~model.rate to take it away",
    "model.encoder=wide": "model.encoder: holds several values; choose an option with model/encoder=wide",
    "model.encoder={hiden: 3}": "model.encoder.hiden: no such key; did you mean model.encoder.hidden?",
    "scheduler.gamma=2": "scheduler.gamma: no such key; scheduler is empty; choose one with scheduler=NAME first",
    "model.latent_dim=1,2": "model.latent_dim=1,2: several values are a sweep; add -m, or write [a,b] for a list",
    "model.latent_dim": "model.latent_dim: cannot be read as key=value; write key=value",
    "model.latent_dim=(": "model.latent_dim=(: cannot be read as key=value; quote special characters",
    "name=${sed}": "name: Interpolation key 'sed' not found; it is ${sed}",
    "experiment=lost": "name: Interpolation key 'nowhere' not found; it is ${nowhere}",
    "scheduler=open": "scheduler.step_size: a value is missing; give one with scheduler.step_size=VALUE",
    "hydra.run.dri=x": "hydra.run.dri: no such key; did you mean hydra.run.dir?",
    "hydra.job.chdir=maybe": "hydra.job.chdir: Value 'maybe' is not a valid bool",
    "hydra/launcher=nowhere": "there is no hydra/launcher/nowhere; options: basic",
}


@pytest.mark.parametrize("word", REFUSED)
def test_refuses_in_one_line(word: str, toy: ConfigTree) -> None:
    with pytest.raises(RequestError) as caught:
        compose([word], tree=toy)
    assert str(caught.value).startswith(REFUSED[word])
    assert "\n" not in str(caught.value)


def test_a_plus_may_add_an_object_of_the_users_own(toy: ConfigTree) -> None:
    config = compose(["+callbacks.mine._target_=toy_parts.Own", "+callbacks.mine.any=3"], tree=toy)
    assert config.callbacks.mine.any == 3


def test_a_broken_file_is_one_line(toy: ConfigTree, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("more")
    (folder / "model").mkdir()
    (folder / "model" / "broken.yaml").write_text("a: [1,\nb: {")
    with pytest.raises(RequestError, match=r"not a YAML file: .*broken\.yaml"):
        compose(["model=broken"], tree=ConfigTree((*toy.folders, folder)))


def test_a_search_path_adds_options(toy: ConfigTree, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("it's, more")
    (folder / "optimizer").mkdir()
    (folder / "optimizer" / "mine.yaml").write_text("{_target_: torch.optim.SGD, lr: 3}")
    assert compose(["optimizer=mine"], tree=ConfigTree((*toy.folders, folder))).optimizer.lr == 3


def test_points_show_every_value_once(toy: ConfigTree) -> None:
    words = ["model=glob(*)", "seed=range(0,3)", "model.rate=interval(0.1,0.9)", "name=x"]
    found = list(points(words, toy))
    assert len(found) == 1 + 1 + 2
    assert {word for job in found for word in job} == {
        "model=large", "model=small", "seed=0", "seed=1", "seed=2", "model.rate=0.1", "name=x"
    }  # fmt: skip
    assert len(list(points(["seed=range(0,1000)"], toy, limit=5))) == 5


@pytest.mark.parametrize("word", ["model=glob(x*)", "seed=range(0,0)"])
def test_a_sweep_over_nothing_is_refused(word: str, toy: ConfigTree) -> None:
    with pytest.raises(RequestError, match=r"no option matches|over no value"):
        list(points([word], toy))
