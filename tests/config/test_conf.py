"""Every shipped choice composes, alone and under every profile."""

from functools import cache
from itertools import product

import pytest
import yaml

from prefixrun.config.conf_tree import conf_dir, groups
from prefixrun.config.method_specs import METHOD_SPECS
from prefixrun.config.schema import Config
from prefixrun.data import LOADERS, SCORED_AS
from prefixrun.runs.configure import compose, sweep_points

PROFILES, METHODS, TASKS, VARIANTS = (groups()[group] for group in ("profile", "method", "task", "variant"))
SUMMARIES = [task for task in TASKS if task.startswith("xsum")]
UNNAMED = {"recipe", "search", "scoring", "kind"}
NEEDS = {
    ("init", "run"): ["init.digest=0"],
    ("init", "text"): ["init.digest=0"],
    ("model", "path"): ["model.path=/model"],
    ("model", "hub"): ["model.hub=some/model-that-is-not-here"],
    ("method", "adapter"): ["method.bottleneck=4"],
    ("method", "lora"): ["method.rank=4"],
    ("method", "prefix_combined"): ["method.combine=average", "method.digest=0"],
}
NAMES = {"path": "local", "paper_tables": "gpt2_medium", "paper_summaries": "bart_large", "adapter_small": "adapter"}
LIKE = {"prefix_flat": "prefix", "prefix_combined": "prefix", "adapter_small": "adapter"}
"""Choices of a method that take the files of another one before their own."""


def sweep(profile: str, method: str, *overrides: str) -> list[Config]:
    """The configurations of a method under a profile, none of which has a problem."""
    # The paper's model for summaries, an encoder-decoder, cannot have every method.
    one_sequence = METHOD_SPECS[NAMES.get(method, method)].decoder_only
    more = ["model=gpt2_medium"] if profile == "paper" and one_sequence else []
    more += NEEDS.get(("method", method), [])
    points = sweep_points([f"profile={profile}", f"method={method}", "data_dir=/corpora", *more, *overrides])
    assert [problem for point in points for problem in point.problems] == []
    return [point.config for point in points if point.config is not None]


@cache
def configs_of(profile: str, method: str) -> dict[str, Config]:
    """The configurations of a method under a profile by task."""
    return dict(zip(TASKS, sweep(profile, method, f"task={','.join(TASKS)}"), strict=True))


@pytest.mark.parametrize(
    ("group", "choice"),
    # The files below recipe/ and variant/ are those of the combinations that the tests below compose.
    [(group, choice) for group in groups() if group != "experiment" and "/" not in group for choice in groups()[group]],
    ids=str,
)
def test_every_choice_composes(group: str, choice: str) -> None:
    config = compose([f"{group}={choice}", "data_dir=/corpora", *NEEDS.get((group, choice), [])])
    if group in ("profile", "variant"):
        assert getattr(config, group) == choice
    elif group not in UNNAMED:
        assert getattr(config, group).name == NAMES.get(choice, choice)


def test_files_of_combinations_are_choices_too() -> None:
    config = compose(["recipe/row=paper_prefix_dart", "variant/method=code_finetune"])
    assert (config.train.epochs, config.train.batch_size, config.train.lm_dropout) == (10, 5, True)


@pytest.mark.parametrize(("profile", "method"), list(product(PROFILES, METHODS)), ids=str)
def test_every_method_has_a_recipe_for_every_task_under_every_profile(profile: str, method: str) -> None:
    for task, config in configs_of(profile, method).items():
        assert (config.profile, config.method.name, config.task.name) == (profile, NAMES.get(method, method), task)
        # The label says which file it is: the most special one there is.
        names = [method, *([LIKE[method]] if method in LIKE else [])]
        rows, recipes = (
            [f"row/{profile}_{name}_{task}" for name in names],
            [f"method/{profile}_{name}" for name in names],
        )
        files = (name for name in (*rows, *recipes, profile) if (conf_dir() / "recipe" / f"{name}.yaml").is_file())
        assert str(config.recipe).startswith(f"{next(files)}: ")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("profile", PROFILES)
def test_every_variant_composes_under_every_profile(profile: str, method: str) -> None:
    """Tables, XSUM whole, and its parts are what a variant tells apart."""
    tasks = ["dart", "xsum", "xsum_within_news"]
    configs = sweep(profile, method, f"task={','.join(tasks)}", "variant=paper,code,modern")
    is_prefix = method not in ("finetune", "finetune_top", "adapter", "adapter_small", "lora")
    for task, (paper, code, modern) in zip(tasks, zip(*[iter(configs)] * 3, strict=True), strict=True):
        three = (paper, code, modern)
        assert [each.variant for each in three] == ["paper", "code", "modern"]
        assert [each.init.name for each in three] == ["uniform", "random", "words"]
        assert [each.decode.length_norm for each in three] == ["total", "total", "generated"]
        assert [each.task.linearisation for each in three] == ["paper", "paper", "plain"]
        is_summary = task in SUMMARIES
        assert paper.train.loss_mode == "sentence_sum"
        assert code.train.loss_mode == ("sentence_sum" if is_prefix and not is_summary else "token_mean")
        assert code.train.lm_dropout is (is_summary or not is_prefix)
        assert (paper.decode.ban_newlines, code.decode.ban_newlines) == (False, not is_summary)
        if is_summary:
            assert (paper.decode.length_penalty, code.decode.length_penalty) == (0.8, 1.0)
            assert paper.task.max_source_tokens == 512
            assert code.task.max_source_tokens == (1022 if task == "xsum" else 512)
        assert (paper.train.lr, paper.train.epochs) == (code.train.lr, code.train.epochs)


@pytest.mark.parametrize(
    ("task", "penalty", "smoothing", "decay", "dropout"),
    [("e2e", 0.9, 0.1, 0.01, 0.1), ("webnlg", 0.8, 0.1, 0.01, 0.1), ("dart", 0.8, 0.0, 0.0, 0.0)],
)
def test_the_paper_of_lora(task: str, penalty: float, smoothing: float, decay: float, dropout: float) -> None:
    """Table 11 of Hu et al. 2021 for GPT-2."""
    config = compose([f"task={task}", "method=lora", "profile=paper", "variant=lora_paper", "data_dir=/corpora"])
    decode, method, train = config.decode, config.method, config.train
    assert (decode.beams, decode.no_repeat_ngram, decode.length_penalty) == (10, 4, penalty)
    assert (method.rank, method.lora_alpha, method.lora_dropout, method.lora_modules) == (4, 32, dropout, "qv")
    assert (train.label_smoothing, train.weight_decay, train.lr) == (smoothing, decay, 2e-4)
    assert (train.batch_size, train.epochs, train.warmup_steps) == (8, 5, 500)
    quick = compose([f"task={task}", "variant=lora_paper"])
    assert (quick.decode.beams, quick.train.label_smoothing, quick.method.rank) == (10, 0.0, None)


@pytest.mark.parametrize("task", LOADERS)
def test_every_task_with_a_loader_can_be_run_and_scored(task: str) -> None:
    config = configs_of("laptop", "prefix")[task]
    assert config.task.name == task
    assert config.task.scored_as == SCORED_AS.get(task, task)
    assert config.default_words == config.task.default_words
    assert ("restaurant" in str(config.default_words)) == task.startswith("e2e")


def test_words_of_the_initialisation_win_over_the_words_of_the_task() -> None:
    assert compose(["task=dart", "init.default_words=facts"]).default_words == "facts"
    assert compose(["task=e2e", "profile=paper", "init=words", "data_dir=/x"]).default_words == "table-to-text:"


def test_the_command_line_wins_over_a_variant() -> None:
    words = ["profile=paper", "data_dir=/corpora", "variant=paper"]
    assert compose([*words, "init=words", "scoring=modern"]).init.name == "words"
    config = compose([*words, "train.loss_mode=token_mean", "decode=beam5_modern", "task.linearisation=plain"])
    assert (config.train.loss_mode, config.decode.length_norm, config.task.linearisation) == (
        *("token_mean", "generated", "plain"),
    )


def test_two_sizes_of_the_papers_code() -> None:
    code = compose(["profile=paper", "task=xsum", "variant=code", "data_dir=/corpora"])
    assert (code.prefix_len, code.train.batch_size, code.train.accumulate, code.method.mid_dim) == (200, 16, 3, 800)
    paper = compose(["profile=laptop", "task=xsum", "variant=paper", "data_dir=/corpora"])
    assert (paper.prefix_len, paper.train.batch_size, paper.method.mid_dim) == (10, 4, 800)
    top = sweep("quick", "finetune_top", "variant=glob(*)")
    embedding = {config.variant: config.method.train_embedding for config in top}
    assert embedding == {"code": True, "lora_paper": False, "modern": False, "paper": False}


@pytest.mark.parametrize(
    ("group", "parts"),
    [
        ("recipe", (PROFILES,)),
        ("recipe/method", (PROFILES, METHODS)),
        ("recipe/row", (PROFILES, METHODS, TASKS)),
        ("variant/kind", (VARIANTS, groups()["kind"])),
        ("variant/method", (VARIANTS, METHODS)),
        ("variant/mlp", (VARIANTS, METHODS, groups()["kind"])),
        ("variant/task", (VARIANTS, TASKS)),
        ("variant/row", (VARIANTS, PROFILES, METHODS, TASKS)),
    ],
)
def test_files_of_combinations_are_named_after_choices_that_there_are(group: str, parts: tuple[list[str], ...]) -> None:
    assert set(groups()[group]) <= {"_".join(names) for names in product(*parts)}


def test_every_file_says_what_it_is() -> None:
    for path in conf_dir().rglob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        assert text.startswith("# "), path
        assert isinstance(yaml.safe_load(text), dict), path


@pytest.mark.parametrize(
    ("overrides", "decoding"),
    [
        (["task=dart"], "beam5_modern"),
        (["task=xsum"], "beam6_xsum_modern"),
        (["task=xsum_within_news", "profile=laptop"], "beam6_xsum_modern"),
        (["task=xsum", "profile=paper"], "beam6_xsum_paper"),
        (["task=e2e", "profile=paper"], "beam5_paper"),
        (["task=xsum", "scoring=paper"], "beam6_xsum_paper"),
        (["task=xsum", "decode=greedy"], "greedy"),
        (["task=xsum", "decode=beam5_paper", "profile=paper"], "beam5_paper"),
    ],
)
def test_the_task_picks_the_search_and_the_command_line_wins(overrides: list[str], decoding: str) -> None:
    assert compose([*overrides, "data_dir=/corpora"]).decode.name == decoding


@pytest.mark.parametrize("method", ["prefix", "prefix_flat"])
@pytest.mark.parametrize(
    ("task", "row"),
    [
        ("e2e", (8e-5, 5, 10, 5)),
        ("webnlg", (5e-5, 5, 5, 5)),
        ("dart", (5e-5, 10, 5, 10)),
        ("xsum", (5e-5, 30, 14, 100)),
        ("xsum_within_news", (5e-5, 30, 36, 80)),
        ("xsum_news_to_sports", (5e-5, 15, 36, 40)),
    ],
)
def test_the_rows_of_table_6(task: str, method: str, row: tuple[float, int, int, int]) -> None:
    config = configs_of("paper", method)[task]
    assert (config.train.lr, config.train.epochs, config.train.batch_size, config.prefix_len) == row
    assert "Table 6" in str(config.recipe)
    if task in SUMMARIES:
        assert (config.method.mid_dim, config.decode.beams, config.decode.length_penalty) == (800, 6, 0.8)


@pytest.mark.parametrize(
    ("method", "task", "row"),
    [
        ("adapter", "e2e", ("3%", 5e-5, 5)),
        ("adapter", "webnlg", ("3%", 5e-5, 5)),
        ("adapter", "dart", ("3%", 5e-5, 5)),
        ("adapter_small", "e2e", ("0.1%", 8e-5, 10)),
        ("adapter_small", "webnlg", ("0.1%", 5e-5, 10)),
        ("adapter_small", "dart", ("0.1%", 8e-5, 5)),
    ],
)
def test_the_adapters_of_table_6(method: str, task: str, row: tuple[str, float, int]) -> None:
    """Two sizes with values of their own; trained as everything but prefixes in the paper's code."""
    config = compose([f"task={task}", f"method={method}", "profile=paper", "data_dir=/corpora"])
    assert (config.budget, config.train.lr, config.train.epochs) == row
    assert (config.method.name, config.train.batch_size) == ("adapter", 5)
    assert (config.train.loss_mode, config.train.lm_dropout) == ("token_mean", True)
