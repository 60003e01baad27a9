"""Products worked out by hand for models of two layers."""

from benchmarks.products import Product, Sizes, Work, prefill_work, token_work, training_work

from prefixrun.models.batches import Row

# Two blocks of a joint projection of the attention's input, its output, and one layer behind it; two key/value heads of
# four numbers that two query heads share each.
BLOCK = ((8, 24, True), (8, 8, False), (8, 16, False))
SIZES = Sizes(blocks=(BLOCK, BLOCK), kv_heads=2, group=2, head_dim=4, width=8, vocabulary=100, prefix_len=3)
ROW = Row((1, 2, 3), ((4, 5), (6, 7, 8)))
POSITIONS, PREDICTING, LABELS = 6, 4, 5


def of_weights(work: Work) -> dict[Product, int]:
    return {product: count for product, count in work.items() if not product.batch}


def test_a_step_needs_both_directions_but_for_what_nothing_trains_or_reads() -> None:
    assert of_weights(training_work(SIZES, [ROW])) == {
        Product(POSITIONS, 8, 24): 2,
        Product(POSITIONS, 24, 8, is_backward=True): 1,  # the first layer's input is fixed
        Product(POSITIONS, 8, 8): 1,
        Product(POSITIONS, 8, 8, is_backward=True): 1,
        Product(POSITIONS, 8, 16): 1,
        Product(POSITIONS, 16, 8, is_backward=True): 1,
        Product(PREDICTING, 8, 8): 1,  # in the last layer
        Product(PREDICTING, 8, 8, is_backward=True): 1,
        Product(PREDICTING, 8, 16): 1,
        Product(PREDICTING, 16, 8, is_backward=True): 1,
        Product(LABELS, 8, 100): 1,
        Product(LABELS, 100, 8, is_backward=True): 1,
    }


def test_attention_of_a_step() -> None:
    work = training_work(SIZES, [ROW])
    keys, queries = POSITIONS + 3, 2 * POSITIONS
    assert {product: count for product, count in work.items() if product.batch} == {
        Product(queries, 4, keys, batch=2): 4,
        Product(queries, keys, 4, batch=2): 4,
        Product(keys, queries, 4, batch=2): 4,
    }


def test_rows_without_padding_add_up() -> None:
    two = training_work(SIZES, [ROW, Row((1,), ((2, 3),))])
    assert two[Product(POSITIONS + 2, 8, 24)] == 2


def test_reading_prompts_needs_the_ends_alone_behind_the_last_keys() -> None:
    assert of_weights(prefill_work(SIZES, [5, 2])) == {
        Product(7, 8, 24): 2,
        Product(7, 8, 8): 1,
        Product(7, 8, 16): 1,
        Product(2, 8, 8): 1,
        Product(2, 8, 16): 1,
        Product(2, 8, 100): 1,
    }


def test_a_token_of_five_beams_reads_the_prompt_once() -> None:
    work = token_work(SIZES, inputs=2, beams=5, prompt=7, written=4)
    assert of_weights(work) == {
        Product(10, 8, 24): 2,
        Product(10, 8, 8): 2,
        Product(10, 8, 16): 2,
        Product(10, 8, 100): 1,
    }
    assert work[Product(10, 4, 10, batch=4)] == 2  # five beams of two query heads, and prefix and prompt
    assert work[Product(2, 4, 4, batch=20)] == 4  # what each beam has written; scores and sums are of one size here


# One block in the encoder, one in the decoder: three projections in and one out, a layer behind them; in the decoder
# between them the query and the output of the cross attention, whose keys and values stand in `cross`.
ENCODER = (*[(8, 8, True)] * 3, (8, 8, False), (8, 16, False))
DECODER = (*[(8, 8, True)] * 3, (8, 8, False), (8, 8, False), (8, 8, False), (8, 16, False))
SEQ2SEQ = Sizes(
    blocks=(DECODER,),
    kv_heads=2,
    group=1,
    head_dim=4,
    width=8,
    vocabulary=100,
    prefix_len=3,
    encoder=(ENCODER,),
    cross=((8, 8, False), (8, 8, False)),
)


def test_an_encoder_reads_a_source_once_for_all_its_targets() -> None:
    source, targets = 3, 5  # ROW
    assert of_weights(training_work(SEQ2SEQ, [ROW])) == {
        Product(source, 8, 8): 3 + 1 + 2,  # the encoder's block, and the cross attention's keys and values
        Product(source, 8, 8, is_backward=True): 1 + 2,
        Product(source, 8, 16): 1,
        Product(source, 16, 8, is_backward=True): 1,
        Product(targets, 8, 8): 3 + 3,
        Product(targets, 8, 8, is_backward=True): 3,
        Product(targets, 8, 16): 1,
        Product(targets, 16, 8, is_backward=True): 1,
        Product(targets, 8, 100): 1,
        Product(targets, 100, 8, is_backward=True): 1,
    }


def test_a_target_attends_to_itself_and_to_its_source() -> None:
    work = training_work(SEQ2SEQ, [Row((1, 2), ((3, 4, 5, 6, 7),))])
    # Forward and backward: five tokens see three positions of the prefix and themselves, then those and the source.
    assert work[Product(5, 4, 8, batch=2)] == 2
    assert work[Product(5, 4, 5, batch=2)] == 2
    assert work[Product(2, 4, 5, batch=2)] == 2  # the encoder: two tokens


def test_the_beams_of_an_encoder_decoder_share_prefix_and_encoding() -> None:
    work = token_work(SEQ2SEQ, inputs=2, beams=5, prompt=7, written=6)
    assert of_weights(work) == {Product(10, 8, 8): 6, Product(10, 8, 16): 1, Product(10, 8, 100): 1}
    assert work[Product(5, 4, 3, batch=4)] == 1
    assert work[Product(5, 4, 10, batch=4)] == 1
    assert work[Product(1, 4, 6, batch=20)] == 1
    read = prefill_work(SEQ2SEQ, [5, 2])
    assert read[Product(7, 8, 8)] == 6
    assert read[Product(2, 8, 100)] == 1


def test_operations() -> None:
    assert Product(2, 3, 4).operations == 48
    assert Product(2, 3, 4, batch=5).operations == 240
