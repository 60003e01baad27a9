"""Every shipped choice composes, alone and under every profile."""

from itertools import product

import pytest
import yaml

from prefixrun.config.conf_tree import conf_dir, groups
from prefixrun.data import LOADERS
from prefixrun.runs.configure import compose

CHOICES = [(group, choice) for group, choices in groups().items() if group != "experiment" for choice in choices]
UNNAMED = {"recipe", "search", "scoring", "kind"}
NEEDS = {
    ("model", "path"): ["model.path=/model"],
    ("method", "adapter"): ["budget=0.1%"],
    ("method", "lora"): ["budget=0.1%"],
    ("variant/method", "code_finetune_top"): ["method=finetune_top"],
    **{("recipe/row", f"paper_adapter_{task}"): ["method=adapter"] for task in ("e2e", "webnlg", "dart")},
}
NAMES = {
    "path": "local",
    "paper_tables": "gpt2_medium",
    "paper_summaries": "bart_large",
    "adapter_small": "adapter",
}
ONE_SEQUENCE = {"embedding", "infix"}
"""Methods that the paper's model for summaries, an encoder-decoder, cannot have."""


@pytest.mark.parametrize(("group", "choice"), CHOICES, ids=str)
def test_every_choice_composes(group: str, choice: str) -> None:
    config = compose([f"{group}={choice}", "data_dir=/corpora", *NEEDS.get((group, choice), [])])
    chosen = getattr(config, group, None)
    if group in ("profile", "variant"):
        assert chosen == choice
    elif group not in UNNAMED and "/" not in group:
        assert chosen is not None
        assert chosen.name == NAMES.get(choice, choice)


@pytest.mark.parametrize(
    ("profile", "method", "task"), list(product(groups()["profile"], groups()["method"], groups()["task"])), ids=str
)
def test_every_method_has_a_recipe_for_every_task_under_every_profile(profile: str, method: str, task: str) -> None:
    more = ["model=gpt2_medium"] if profile == "paper" and method in ONE_SEQUENCE else []
    more += NEEDS.get(("method", method), [])
    config = compose([f"profile={profile}", f"method={method}", f"task={task}", "data_dir=/corpora", *more])
    assert (config.profile, config.method.name, config.task.name) == (profile, NAMES.get(method, method), task)
    # The label says which file it is: the most special one there is.
    candidates = (f"row/{profile}_{method}_{task}", f"method/{profile}_{method}", profile)
    file = next(name for name in candidates if (conf_dir() / "recipe" / f"{name}.yaml").is_file())
    assert config.recipe is not None
    assert config.recipe.startswith(f"{file}: ")


@pytest.mark.parametrize("task", LOADERS)
def test_every_task_with_a_loader_can_be_run_and_scored(task: str) -> None:
    config = compose([f"task={task}"])
    assert config.task.name == task
    assert config.task.scored_as == task.split("_")[0]
    assert config.default_words == config.task.default_words
    assert ("restaurant" in str(config.default_words)) == (task == "e2e")


def test_words_of_the_initialisation_win_over_the_words_of_the_task() -> None:
    assert compose(["task=dart", "init.default_words=facts"]).default_words == "facts"
    assert compose(["task=e2e", "profile=paper", "init=words", "data_dir=/x"]).default_words == "table-to-text:"


VARIANTS = groups()["variant"]
OF_EACH_KIND = ("dart", "xsum", "xsum_within_news")
"""The tasks that a variant tells apart: tables, XSUM whole, and its parts."""


@pytest.mark.parametrize(
    ("profile", "method", "task"), list(product(groups()["profile"], groups()["method"], OF_EACH_KIND)), ids=str
)
def test_every_variant_composes_under_every_profile(profile: str, method: str, task: str) -> None:
    more = ["model=gpt2_medium"] if profile == "paper" and method in ONE_SEQUENCE else []
    more += NEEDS.get(("method", method), [])
    words = [f"profile={profile}", f"method={method}", f"task={task}", "data_dir=/corpora", *more]
    paper, code, modern = (compose([*words, f"variant={variant}"]) for variant in ("paper", "code", "modern"))
    assert [each.variant for each in (paper, code, modern)] == ["paper", "code", "modern"]
    assert [each.init.name for each in (paper, code, modern)] == ["uniform", "random", "words"]
    assert [each.decode.length_norm for each in (paper, code, modern)] == ["total", "total", "generated"]
    assert [each.task.linearisation for each in (paper, code, modern)] == ["paper", "paper", "plain"]
    is_prefix = method not in ("finetune", "finetune_top", "adapter", "adapter_small", "lora")
    is_summary = task.startswith("xsum")
    assert paper.train.loss_mode == "sentence_sum"
    assert code.train.loss_mode == ("sentence_sum" if is_prefix and not is_summary else "token_mean")
    assert code.train.lm_dropout is (is_summary or not is_prefix)
    assert (paper.decode.ban_newlines, code.decode.ban_newlines) == (False, not is_summary)
    if is_summary:
        assert (paper.decode.length_penalty, code.decode.length_penalty) == (0.8, 1.0)
        assert (paper.task.max_source_tokens, code.task.max_source_tokens) == (512, 1022 if task == "xsum" else 512)
    assert (paper.train.lr, paper.train.epochs) == (code.train.lr, code.train.epochs)


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
    top = [compose(["method=finetune_top", f"variant={variant}"]).method.train_embedding for variant in VARIANTS]
    assert dict(zip(VARIANTS, top, strict=True)) == {"code": True, "modern": False, "paper": False}


@pytest.mark.parametrize("row", groups()["recipe/row"])
def test_a_row_belongs_to_a_profile_a_method_and_a_task(row: str) -> None:
    names = {"_".join(parts) for parts in product(groups()["profile"], groups()["method"], groups()["task"])}
    assert row in names


@pytest.mark.parametrize("path", sorted(conf_dir().rglob("*.yaml")), ids=lambda path: path.stem)
def test_every_file_says_what_it_is(path: object) -> None:
    text = path.read_text(encoding="utf-8")  # type: ignore[attr-defined]
    assert text.startswith("# ")
    assert isinstance(yaml.safe_load(text), dict)


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
    config = compose([f"task={task}", f"method={method}", "profile=paper", "data_dir=/corpora"])
    assert (config.train.lr, config.train.epochs, config.train.batch_size, config.prefix_len) == row
    assert config.recipe is not None
    assert "Table 6" in config.recipe
    if task.startswith("xsum"):
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
