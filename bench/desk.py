"""Figure 8: the operators' pages, with ten thousand leads and with a hundred times as many."""

import json

from bench.figure import Samples, medians
from bench.world import World

# Thirty days of leads: one in twelve never confirmed, one in 33 failed, most of what needed a person attended to.
PLUMBERS = """
INSERT INTO plumbers (id, phone, name, pack_size, leads_received, status, zones)
SELECT n, '+3363998' || lpad(n::text, 4, '0'), 'Plombier ' || n, 30, mod(n, 31),
       CASE WHEN mod(n, 31) = 30 THEN 'exhausted' WHEN mod(n, 40) = 1 THEN 'paused' ELSE 'active' END,
       CASE mod(n, 3) WHEN 0 THEN ARRAY['75'] WHEN 1 THEN '{}' ELSE ARRAY['92', '93'] END
FROM generate_series(1, 2000) AS n
"""
LEADS = """
INSERT INTO leads (id, phone, postal_code, emergency_type, confirmation_token, token_expires_at, created_at, source,
                   confirmed_at, cancelled_at, status, plumber_id, notification_status, notification_attempts,
                   notification_run, notification_retry_at, notification_requested_at, notification_requested_by,
                   notification_error)
SELECT n, '06' || lpad(mod(n * 7, 100000000)::text, 8, '0'), (ARRAY['75011', '92100', '93200', '69001'])[mod(n, 4) + 1],
       (ARRAY['Fuite d''eau', 'WC bouchés', 'Chauffe-eau en panne', 'Inondation'])[mod(n, 4) + 1],
       'desk-' || n, at + interval '30 min', at, 'page', CASE WHEN confirmed THEN at + interval '1 min' END,
       CASE WHEN mod(n, 97) = 1 THEN at + interval '5 min' END,
       CASE WHEN assigned THEN 'sent' WHEN confirmed THEN 'confirmed' ELSE 'pending' END,
       CASE WHEN assigned THEN mod(n, 2000) + 1 END,
       CASE WHEN NOT assigned OR mod(n, 50021) = 7 THEN 'pending' WHEN mod(n, 33) = 1 THEN 'whatsapp_failed'
            ELSE 'whatsapp_sent' END,
       CASE WHEN assigned THEN 2 ELSE 0 END, assigned::int,
       CASE WHEN mod(n, 50021) = 7 THEN now() + interval '10 s' END, at + interval '1 min', 'confirmation',
       CASE WHEN mod(n, 33) = 1 THEN 'Refusé par Twilio (code 63024)' ELSE '' END
FROM (SELECT n, now() - (%s - n) * interval '30 days' / %s AS at, mod(n, 12) > 0 AS confirmed,
             mod(n, 12) > 0 AND mod(n, 40001) <> 5 AS assigned FROM generate_series(1, %s) AS n) AS asked
"""
ATTEMPTS = """
INSERT INTO notifications_attempt (id, lead_id, run, number, started_by, backend, started_at, finished_at, outcome,
                                   http_status, error_code, error_text, provider_message_id, delivery, delivered_at,
                                   provider_state, recipient, text)
SELECT gen_random_uuid(), id, 1, number, 'confirmation', 'twilio', confirmed_at + number * interval '20 s',
       confirmed_at + number * interval '21 s', CASE WHEN accepted THEN 'accepted' ELSE 'failed' END, 201, '63024',
       'Refusé', 'SM' || md5(id::text || number),
       CASE WHEN NOT accepted OR held THEN '' WHEN mod(id, 61) = 2 THEN 'sent' ELSE 'delivered' END,
       CASE WHEN accepted AND NOT held AND mod(id, 61) <> 2 THEN confirmed_at + interval '50 s' END,
       CASE WHEN accepted AND held THEN 'held_for_quality_assessment' ELSE '' END, '+33639980001', 'Nouvelle demande'
FROM (SELECT leads.*, number, number = 2 AND notification_status = 'whatsapp_sent' AS accepted,
             mod(id, 401) = 3 AND mod(id, 61) <> 2 AS held FROM leads, generate_series(1, 2) AS number
      WHERE notification_attempts = 2) AS tried
"""
LEDGER = """
INSERT INTO pack_ledger (plumber_id, kind, amount, received, size, actor, created_at)
SELECT id, 'opening', 30 - leads_received, leads_received, 30, 'registre', now() - interval '60 days' FROM plumbers
"""
LEADS_OF_PACKS = """
INSERT INTO pack_ledger (plumber_id, kind, amount, received, lead_id, actor, created_at)
SELECT plumber_id, 'lead', -1, 0, id, 'confirmation', confirmed_at FROM leads WHERE plumber_id IS NOT NULL ORDER BY id
"""
ATTENDED_TO = """
INSERT INTO notifications_intervention (lead_id, run, kind, operator)
SELECT id, 1, 'called', 'admin : anne' FROM leads
WHERE status = 'sent' AND mod(id, 100) <> 0 AND id < %s * 0.999
  AND (notification_status = 'whatsapp_failed' OR cancelled_at IS NOT NULL OR mod(id, 61) = 2 OR mod(id, 401) = 3)
"""


def measure(world: World, rounds: int, count: int) -> list[Samples]:
    """`count` leads, and a hundredth of them. Each page's median of five requests, without a web server."""
    taken = {size: _pages(world, size, rounds) for size in (count // 100, count)}
    small, large = (medians(of_a_size) for of_a_size in taken.values())
    summary = {
        "slowest page (ms)": max(large.values()),
        "most that a page grew (times)": max(large[page] / small[page] for page in large),
    }
    return [
        {f"{page}, {size:,} leads (ms)": of_a_size[number][page] for page in large for size, of_a_size in taken.items()}
        | summary
        for number in range(rounds)
    ]


def _pages(world: World, size: int, rounds: int) -> list[Samples]:
    fill(world, size)
    return [json.loads(world.python("-m", "bench.desk_pages", within=300)) for _ in range(rounds)]


def fill(world: World, size: int) -> None:
    world.empty()
    with world.without_triggers():
        world.sql(PLUMBERS)
        world.sql(LEDGER)
        world.sql(LEADS, size, size, size)
        world.sql(ATTEMPTS)
        world.sql(LEADS_OF_PACKS)
        world.sql(ATTENDED_TO, size)
    for table in ("leads", "plumbers"):
        world.sql(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")
    world.sql("VACUUM ANALYZE")
