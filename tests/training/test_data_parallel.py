"""The exchange between the processes of one run."""

import threading

import pytest

from prefixrun.errors import ConfigError
from prefixrun.training import data_parallel
from prefixrun.training.data_parallel import SINGLE_PROCESS, ProcessGroup, joined_group


def test_a_process_alone_exchanges_nothing() -> None:
    assert ProcessGroup() == SINGLE_PROCESS
    assert SINGLE_PROCESS.writes
    assert SINGLE_PROCESS.sum([1.5, 2]) == SINGLE_PROCESS.max([1.5, 2]) == [1.5, 2]
    assert SINGLE_PROCESS.share_of([1, 2, 3]) == [1, 2, 3]
    SINGLE_PROCESS.broadcast_request(True)


def test_each_process_computes_its_own_share_of_the_rows() -> None:
    shares = [ProcessGroup(rank, 3).share_of(range(8)) for rank in range(3)]
    assert sorted(row for share in shares for row in share) == list(range(8))
    assert [ProcessGroup(rank, 3).writes for rank in range(3)] == [True, False, False]
    assert list(ProcessGroup(2, 3).share_of([1])) == []


def test_processes_that_do_not_come_end_the_wait(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    never = threading.Event()
    monkeypatch.setattr("torch.distributed.init_process_group", lambda *_, **__: never.wait())
    monkeypatch.setattr(data_parallel, "JOIN_SECONDS", 0.2)
    monkeypatch.setattr(data_parallel, "ANNOUNCE_SECONDS", 0.0)
    for name, value in {"WORLD_SIZE": "2", "MASTER_ADDR": "node1", "MASTER_PORT": "29500"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=r"1 more process \(MASTER_ADDR=node1 MASTER_PORT=29500\): did not come"):
        data_parallel._join("gloo")
    never.set()
    assert capsys.readouterr().err.startswith("prefixrun: waiting for 1 more process (MASTER_ADDR=node1")


@pytest.mark.parametrize("device", ["mps", "xpu", "cuda:1"])
def test_several_processes_share_no_device(device: str) -> None:
    with pytest.raises(ConfigError, match=f"device={device}: several processes compute on the CPU, or each on a GPU"):
        joined_group(device).__enter__()
