#!/usr/bin/env bash
# A grid on SLURM, one job for each run; call it on a login node, in a directory that all nodes see:
#   PARTITION=gpu scripts/cluster/slurm_runs.sh experiment=table2_e2e profile=paper data_dir=DIR
# It waits for the jobs and shows the table of states, so start it in tmux or screen. What a job gets (time, cores,
# memory, GPUs) stands in conf/hydra/launcher/slurm.yaml; any of it can be given as hydra.launcher.KEY=VALUE.
# Needs: pip install 'prefixrun[slurm]'
set -euo pipefail

exec prefixrun -m "$@" hydra/launcher=slurm ${PARTITION:+hydra.launcher.partition="$PARTITION"}
