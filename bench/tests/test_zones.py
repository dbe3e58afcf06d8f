from bench.zones import simulate

BUSY = {"rate": 1000, "seconds": 2, "held": 0.002, "plumbers": 300}


def test_one_lock_is_exactly_fair_and_saturates():
    outcome = simulate(1, **BUSY)

    assert (outcome.spread, outcome.nobody) == (1, 0)
    assert outcome.quantile(0.99) > 1


def test_a_lock_for_each_zone_does_not_wait_and_stays_fair_within_the_zone():
    outcome = simulate(50, **BUSY)

    assert outcome.quantile(0.99) < 0.1
    assert outcome.spread <= 1


def test_whoever_another_zone_is_choosing_is_passed_over():
    outcome = simulate(3, rate=1000, seconds=1, held=0.01, plumbers=1)  # works in all three

    assert 0 < outcome.nobody < 1000
