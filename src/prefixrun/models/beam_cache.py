"""Keys and values of the inputs of a search and of what their beams write, each stored once and read by index.

A token that a beam has written is stored once, in a column of its input's row, and never moves: which columns a beam
sees is a table of booleans. When beams are reordered, rows of that table are, and no keys or values; a column that no
beam sees any more takes a new token. Inputs that are done are overwritten by the last ones, so that those at work
always come first, and new ones go behind them.

For attention the beams of an input are queries of one row, see attention.prefix_attention. It is the part of
transformers' cache protocol that kv_cache describes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import pad

from prefixrun.models.prefix_kv import PrefixKV
from prefixrun.models.transfer import on_device


class StepTables(NamedTuple):
    """What a pass reads of the table of columns, on the device."""

    mask: Tensor
    """(rows, 1, 1, columns): 0 where a beam sees a column, the lowest number elsewhere; see models.masks."""
    destinations: Tensor
    """(inputs x beams x kv_heads,): where the keys of a new token go in a layer, seen as (.., head_dim)."""
    positions: Tensor
    """(inputs, columns): the position of the token in each column, anything in those that no beam sees."""


class BeamCache:
    """`beams` rows of a batch for each input; the table of columns is on the host, keys and values on the device.

    `advance` makes room for the tokens that the beams have written last; the next pass of the model fills it, layer by
    layer, and reads all columns through `update`.
    """

    GROWTH = 32
    is_compileable = False
    """Read by OPT and StableLM in transformers 5.0: no cache of a fixed size, which compiled code would need."""

    def __init__(self, beams: int, column_step: int = 1) -> None:
        """column_step: what the number of columns that are read is rounded up to a multiple of."""
        self.beams = beams
        self._column_step = column_step
        self.layers: list[Tensor] = []
        """By layer (2, inputs at least, kv_heads, columns at least, head_dim): the keys, then the values."""
        self.modules: list[nn.Module] = []
        """The attention modules that read it, by layer; see beam_attention.beams_attached."""
        self._seen: NDArray[np.bool_] = np.zeros((0, beams, 0), dtype=bool)
        self._positions: NDArray[np.int64] = np.zeros((0, 0), dtype=np.int64)
        self._lacking: list[int] = []
        self.columns = 0
        """How many of them a pass reads."""
        self._position = 0
        self.tables = StepTables(torch.empty(0), torch.empty(0), torch.empty(0))
        """Of the next pass; see `advance`."""

    @property
    def inputs(self) -> int:
        """Inputs at work."""
        return len(self._seen)

    def get_seq_length(self, layer: int = 0) -> int:
        """The position that is written next; encoder-decoders, whose outputs are all of one length, count from it."""
        return self._position

    def add(self, per_layer: Sequence[PrefixKV]) -> None:
        """Put inputs behind those at work, one entry of these keys and values each; all of their beams see them.

        Layers may have fewer keys than others, by the same number each time: a method's prefix stands at some layers
        only. What they lack is at the beginning, see `masked_at`.
        """
        longest = max(per_layer, key=lambda entry: entry.keys.shape[2])
        first, (entries, _, length, _) = self.inputs, longest.keys.shape
        self._lacking = [length - entry.keys.shape[2] for entry in per_layer]
        self._reserve(first + entries, length + 2 * self.beams, per_layer)
        for layer, entry, lacking in zip(self.layers, per_layer, self._lacking, strict=True):
            layer[0, first : first + entries, :, lacking:length] = entry.keys
            layer[1, first : first + entries, :, lacking:length] = entry.values
        bias, room = longest.bias, self._seen.shape[2]
        seen = np.ones((entries, length), dtype=bool) if bias is None else (bias[:, 0, 0] == 0).cpu().numpy()
        positions = np.broadcast_to(longest.positions.cpu().numpy(), (entries, length))
        free = ((0, 0), (0, room - length))
        by_beam = np.repeat(np.pad(seen, free)[:, None], self.beams, axis=1)
        self._seen = np.concatenate([self._seen, by_beam])
        self._positions = np.concatenate([self._positions, np.pad(positions, free)])

    def remove(self, done: Collection[int]) -> list[int]:
        """Let inputs leave, by index. Returns the old index of each input that stays."""
        count = self.inputs - len(done)
        holes = [index for index in range(count) if index in done]
        last = [index for index in range(count, self.inputs) if index not in done]
        order = list(range(count))
        for hole, moved in zip(holes, last, strict=True):
            order[hole] = moved
        if holes:
            to, source = torch.tensor([holes, last], device=self.layers[0].device)  # once for all layers
            for layer in self.layers:
                layer[:, to] = layer[:, source]
        self._seen, self._positions = self._seen[order], self._positions[order]
        return order

    def advance(self, parents: Sequence[Sequence[int]], positions: Sequence[int]) -> None:
        """Let each beam continue another one of its input, and make room for a token of each.

        parents: (inputs, beams), the beam that each continues; positions: (inputs,), those of the new tokens.
        """
        seen = np.take_along_axis(self._seen, np.array(parents)[:, :, None], axis=1)
        used = seen.any(axis=1)
        if (missing := int(used.sum(axis=1).max()) + self.beams - used.shape[1]) > 0:
            self._reserve(self.inputs, used.shape[1] + missing)
            free = ((0, 0), (0, self._seen.shape[2] - used.shape[1]))
            used, seen = np.pad(used, free), np.pad(seen, ((0, 0), *free))
        columns = used.argsort(axis=1, kind="stable")[:, : self.beams]  # the first that no beam sees
        inputs, beams = np.ogrid[: self.inputs, : self.beams]
        seen[inputs, beams, columns] = True
        self._positions[inputs, columns] = np.array(positions)[:, None]
        self._seen, self._position = seen, max(positions)
        last = int(np.flatnonzero(seen.any(axis=(0, 1)))[-1])
        self.columns = min(seen.shape[2], self._column_step * (1 + last // self._column_step))
        self.tables = self._step_tables(columns)

    @property
    def memory(self) -> int:
        """Another number when keys and values have moved in memory, which makes room."""
        return self.layers[0].data_ptr()

    def _step_tables(self, new_columns: NDArray[np.int64]) -> StepTables:
        """new_columns: (inputs, beams), where the new tokens go."""
        device, dtype = self.layers[0].device, self.layers[0].dtype
        seen = self._seen[:, :, : self.columns].reshape(-1, 1, 1, self.columns)
        mask = torch.zeros(seen.shape, dtype=dtype).masked_fill_(torch.from_numpy(~seen), torch.finfo(dtype).min)
        _, _, kv_heads, room, _ = self.layers[0].shape
        inputs, heads = np.arange(len(new_columns))[:, None, None], np.arange(kv_heads)
        index = (inputs * kv_heads + heads) * room + new_columns[:, :, None]
        tables = (mask, torch.from_numpy(index.reshape(-1)), torch.from_numpy(self._positions[:, : self.columns]))
        return StepTables(*(on_device(table, device) for table in tables))

    def masked_at(self, layer: int, mask: Tensor) -> Tensor:
        """A mask (..., columns) that also hides the columns that a layer lacks."""
        lacking = self._lacking[layer]
        if not lacking:
            return mask
        return torch.cat([torch.full_like(mask[..., :lacking], torch.finfo(mask.dtype).min), mask[..., lacking:]], -1)

    def as_queries(
        self, layer: int, query: Tensor, mask: Tensor | None, position_bias: Tensor | None, positions: Tensor | None
    ) -> tuple[Tensor, Tensor | None, Tensor | None, Tensor | None]:
        """Arguments of attention with the beams of an input as the queries of one row.

        So the keys of an input are there once, one product serves all of its beams, and what each sees is a matter of
        the mask.

        Args:
            query: (rows, heads, 1, head_dim), becomes (inputs, heads, beams, head_dim).
            layer: whose attention it is.
            mask: (rows, 1, 1, columns), becomes (inputs, 1, beams, columns).
            position_bias: (1, heads, 1, keys) by position, becomes (inputs, heads, beams, columns): that of the token
                in each column.
            positions: (rows, 1), becomes (inputs, beams).
        """
        shape = (self.inputs, self.beams)
        query = query.view(*shape, query.shape[1], query.shape[3]).transpose(1, 2)
        mask = None if mask is None else self.masked_at(layer, mask.view(self.inputs, 1, self.beams, -1))
        positions = None if positions is None else positions.view(shape)
        if position_bias is not None:
            by_column = position_bias[0, :, -1, self.tables.positions].transpose(0, 1).unsqueeze(2)
            position_bias = by_column.expand(-1, -1, self.beams, -1)
        return query, mask, position_bias, positions

    def update(self, key: Tensor, value: Tensor, layer: int, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Write (rows, kv_heads, 1, head_dim) of the newest tokens; all columns, (inputs, kv_heads, columns, head_dim).

        Rows are inputs x beams; what is returned has one row an input.
        """
        stored = self.layers[layer]
        for part, new in zip(stored, (key, value), strict=True):
            part.view(-1, part.shape[-1]).index_copy_(0, self.tables.destinations, new.reshape(-1, part.shape[-1]))
        return stored[0, : self.inputs, :, : self.columns], stored[1, : self.inputs, :, : self.columns]

    def _reserve(self, inputs: int, columns: int, like: Sequence[PrefixKV] = ()) -> None:
        """Make room; what it is filled with is finite, because hidden columns are multiplied by 0."""
        if not self.layers:
            kv_heads, head_dim = like[0].keys.shape[1], like[0].keys.shape[3]
            self.layers = [entry.keys.new_zeros(2, 0, kv_heads, 0, head_dim) for entry in like]
        more_inputs = max(0, inputs - self.layers[0].shape[1])
        room = self.layers[0].shape[3]
        more = max(self.GROWTH, columns - room) if columns > room else 0
        if more_inputs or more:
            for number, layer in enumerate(self.layers):
                self.layers[number] = pad(layer, (0, 0, 0, more, 0, 0, 0, more_inputs))
        self._seen = np.pad(self._seen, ((0, 0), (0, 0), (0, more)))
        self._positions = np.pad(self._positions, ((0, 0), (0, more)))
