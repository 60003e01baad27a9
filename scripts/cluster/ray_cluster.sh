#!/usr/bin/env bash
# A grid on a Ray cluster, whose nodes all see the same working directory. On one machine:
#   scripts/cluster/ray_cluster.sh head
# on every other one (HEAD is the first one's address):
#   scripts/cluster/ray_cluster.sh worker HEAD
# then on the first, as often as you like, with one GPU for each run (GPUS=0: none):
#   scripts/cluster/ray_cluster.sh run experiment=table2_e2e profile=paper data_dir=DIR
# and at the end on all of them: ray stop
# Needs: pip install 'prefixrun[ray]'
set -euo pipefail

port=6379
what=${1:?head, worker HEAD, or run KEY=VALUE ...}
shift
case $what in
    head) exec ray start --head --port="$port" ;;
    worker) exec ray start --address="${1:?address of the head}:$port" ;;
    run)
        exec prefixrun -m "$@" hydra/launcher=ray \
            hydra.launcher.ray.init.address=auto +hydra.launcher.ray.remote.num_gpus="${GPUS:-1}"
        ;;
    *)
        echo "$what: is neither head, worker nor run" >&2
        exit 2
        ;;
esac
