#!/usr/bin/env bash
# A grid on one machine with several GPUs, one run on each at a time:
#   scripts/cluster/one_node.sh experiment=table2_e2e profile=paper data_dir=DIR
# A worker takes one of the visible GPUs and its share of the cores; without GPUs there is a worker for two cores.
# Needs: pip install 'prefixrun[joblib]'
set -euo pipefail

exec prefixrun -m "$@" hydra/launcher=joblib
