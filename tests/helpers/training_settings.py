"""The smallest settings of a training, for tests of what a training does with them."""

from prefixrun.config.schema import TrainConfig

PLAIN = TrainConfig(
    epochs=3,
    lr=0.02,
    batch_size=2,
    loss_mode="token_mean",
    targets_per_row=1,
    eval_examples=0,
    checkpoint_every=1000,
)
