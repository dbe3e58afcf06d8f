"""Row 20: the provider's account dies in the middle of some leads, and lives again. P9.

Bound: 15 s. The breaker opens at the second refusal; the first probe comes 3 s later, the next one 6 s after that: it
finds the account repaired, and what waited goes out within 5 s.
"""

from dev.waiting import wait_for

BOUND = 15
OPEN = "SELECT id FROM notifications_breaker WHERE opened_at IS NOT NULL"
QUICK = dict.fromkeys(("worker", "sweeper"), "quick_probes")


def test_an_account_that_dies_and_lives_again_p9(world, checked):
    running = world(faults=QUICK)
    before, unlucky, waiting = (running.add(count) for count in (3, 2, 8))
    running.press_together(before)
    running.wait_sends(3)

    running.provider.account(dead=True)
    for number, customer in enumerate(unlucky, start=1):
        running.press(customer)
        running.wait_sends(3 + number)
    wait_for(lambda: running.rows(OPEN), 5, "an open breaker")
    for customer in waiting:
        running.press(customer)
    running.wait_log("sweeper", "Envois toujours suspendus")
    assert [running.outcomes(customer) for customer in waiting] == [[]] * 8
    assert len(running.sends()) == 5
    running.provider.account(dead=False)

    verdict = checked(running, "the account dies, and lives again", ended=BOUND)
    assert verdict.sends == 5 + 8 + 2
    assert [running.outcomes(customer) for customer in waiting] == [["accepted"]] * 8
    assert [running.outcomes(customer) for customer in unlucky] == [["failed", "accepted"]] * 2
    assert running.sends()[5]["to"] == waiting[0].plumber  # the probe takes the oldest that was never tried
    [row] = running.rows("SELECT opened_at, closed_by, probes FROM notifications_breaker")
    assert (row["opened_at"], row["closed_by"], row["probes"]) == (None, "une sonde", 2)
