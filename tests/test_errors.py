import pickle

from mlsys.errors import DataError, LostRaceError, MlsysError, SpecError, UsageError, near_match


def test_a_message_says_rule_place_value_and_remedy() -> None:
    error = DataError("A number was expected", where="drop.csv:12", got="abc", remedy="Mend the line")
    assert str(error) == "drop.csv:12: A number was expected (got 'abc'). Mend the line."


def test_errors_keep_their_parts_across_processes() -> None:
    error = DataError("rule", where="here", got=3, remedy="do")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.exit_code) == (DataError, str(error), 3)


def test_exit_codes_are_those_of_the_command_line() -> None:
    assert (UsageError.exit_code, SpecError.exit_code, DataError.exit_code) == (2, 2, 3)
    assert (MlsysError.exit_code, LostRaceError.exit_code) == (4, 5)


def test_a_near_name_is_offered_and_at_most_ten_are_listed() -> None:
    assert near_match("logistc", ["logistic", "prior"]).startswith("Did you mean 'logistic'")
    assert near_match("zzz", [f"name{i:02}" for i in range(20)]).count("name") == 10
    assert near_match("zzz", [f"name{i:02}" for i in range(20)]).endswith(
        "name09 and 10 more"
    )  # a full stop may follow


def test_a_long_value_is_cut() -> None:
    assert len(str(DataError("rule", got="x" * 5000))) < 200
