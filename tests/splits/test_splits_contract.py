from mlsys.splits import SPLITS
from mlsys.splits.group_split import GroupSplit
from mlsys.splits.hash_split import HashSplit
from mlsys.splits.recent_hash_split import RecentHashSplit
from mlsys.splits.time_split import TimeSplit
from mlsys.testing.splits import SplitContract


class TestTime(SplitContract):
    splitter = TimeSplit(gap_days=1, train_window_days=20)


class TestHash(SplitContract):
    splitter = HashSplit()


class TestRecentHash(SplitContract):
    splitter = RecentHashSplit(train_window_days=20)


class TestRecentHashOfGroups(SplitContract):
    splitter = RecentHashSplit(column="owner")


class TestGroup(SplitContract):
    splitter = GroupSplit(column="owner")


def test_every_split_of_the_table_is_tested() -> None:
    tested = {type(case.splitter) for case in SplitContract.__subclasses__()}
    assert set(SPLITS) <= tested
