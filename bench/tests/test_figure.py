from bench.figure import Target, medians, table


def test_a_target_is_met_at_its_limit_and_missed_beyond():
    assert str(Target("share of pgbench", 0.2, at_least=0.2)) == "met: share of pgbench: 0.2 (at least 0.2)"
    assert str(Target("share of pgbench", 0.12, at_least=0.2)) == "MISSED: share of pgbench: 0.12 (at least 0.2)"
    assert str(Target("p50, ms", 4.1, at_most=4)) == "MISSED: p50, ms: 4.1 (at most 4)"


def test_what_is_no_number_is_a_miss():
    assert not Target("p50, ms", float("nan"), at_most=4).met


def test_a_median_is_of_the_rounds_that_have_the_name():
    assert medians([{"a": 1, "b": 5}, {"a": 9}, {"a": 2}]) == {"a": 2, "b": 5}


def test_a_ratio_is_to_the_first_of_the_same_unit():
    values = {"ours (per s)": 50, "wait (ms)": 4, "pgbench (per s)": 200, "p99 (ms)": 0}

    assert table(values).splitlines()[2:] == [
        "| ours (per s) | 50 | 1.00 |",
        "| wait (ms) | 4 | 1.00 |",
        "| pgbench (per s) | 200 | 4.00 |",
        "| p99 (ms) | 0 | 0.00 |",
    ]
