"""Which networks are fused, and how a recipe names them."""

from fusion.groups import Group, across_chains, address_of, by_chain, fitted_by, matches, strategy_of
from fusion.options import Options
from indomain.runs.tags import Method, Tags
from indomain.runs.task import Task


def network(chain="a", backbone="x", strategy="full", seed=0):
    tags = Tags("r", "strict", "t", chain, backbone, Method(strategy=strategy), "all labels", 0, seed)
    params = {"backbone": {"name": backbone}, "seed": seed, "strategy": strategy, "chain": chain}
    return Task("finetune", 1, params, tags=tags)


def backbones(groups):
    return [group.tags.backbone for group in groups]


def test_networks_of_a_chain_stand_alone_and_together():
    fitted = [network(backbone=name) for name in ("x", "y", "z")]
    assert backbones(by_chain(Options(), fitted)) == ["x+y+z"]
    assert backbones(by_chain(Options(networks=["each"]), fitted)) == ["x", "y", "z"]
    assert backbones(by_chain(Options(networks=["each", "all"], subsets=[["x", "z"]]), fitted)) == [
        "x",
        "y",
        "z",
        "x+z",
        "x+y+z",
    ]


def test_a_group_of_several_chains_has_a_row_for_each_seed_that_one_of_them_has():
    fitted = [network("a", seed=0), network("b", seed=0), network("b", seed=1)]
    found = list(across_chains(Options(groups={"both": ["a/*", "b/*"]}), fitted))
    assert [(group.tags.seed, [one.tags.seed for one in group.networks]) for group in found] == [
        (0, [0, 0]),
        (1, [0, 1]),
    ]
    assert found[0].tags.chain == "both" and found[0].tags.backbone == "a/x+b/x"


def test_a_target_without_one_of_the_networks_has_no_such_group():
    assert not list(across_chains(Options(groups={"both": ["a/*", "c/*"]}), [network("a")]))


def test_a_strategy_is_named_where_it_is_not_the_usual_one():
    plain, frozen = network(), network(strategy="off-the-shelf")
    assert (address_of(plain, Options()), address_of(frozen, Options())) == ("a/x", "a/x:off-the-shelf")
    assert matches("a/x:off-the-shelf", "a/*:off-the-shelf") and not matches("a/x:off-the-shelf", "a/*")
    assert strategy_of(frozen) == "off-the-shelf"
    tags = plain.tags
    assert fitted_by(Group(tags, [plain])) == "" and fitted_by(Group(tags, [plain, frozen])) == "full and off-the-shelf"
