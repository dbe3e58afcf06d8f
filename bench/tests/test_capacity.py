from bench.capacity import Costs, Need


def test_what_a_rate_needs_is_rounded_up_and_leaves_room_for_peaks():
    costs = Costs(notifications=100, confirmations=50, bytes=1000)

    need = Need.of(100, costs)

    assert (need.workers, need.web) == (2, 4)
    assert need.connections == 2 * 42 + 4 * 8
    assert round(need.disk) == 3154


def test_the_costs_are_those_of_one_process():
    medians = {
        1: {"confirmations (/s)": 300.0},
        3: {"until its queue is empty too (/s)": 200.0},
        9: {"disk of a notified lead, indexes too (bytes)": 1500},
    }

    assert Costs.measured(medians) == Costs(notifications=200.0, confirmations=150.0, bytes=1500)
