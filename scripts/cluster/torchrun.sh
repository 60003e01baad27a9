#!/usr/bin/env bash
# One run on all GPUs of a machine, one process for each:
#   scripts/cluster/torchrun.sh profile=paper task=webnlg data_dir=DIR
# GPUS=N takes N of them. For grids, one run a GPU (one_node.sh) does more in the same time.
set -euo pipefail

gpus=${GPUS:-$(nvidia-smi --list-gpus | wc -l)}
if [[ $gpus -lt 1 ]]; then
    echo "torchrun.sh: there is no GPU here; give GPUS=N for N processes" >&2
    exit 2
fi
exec torchrun --standalone --nproc-per-node "$gpus" -m prefixrun "$@"
