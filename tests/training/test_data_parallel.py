"""The exchange between the processes of one run."""

from prefixrun.training.data_parallel import SINGLE_PROCESS, ProcessGroup


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
