"""The databases that the product takes over, as the old system made them."""

TABLES = """
CREATE TABLE plumbers (
    id SERIAL PRIMARY KEY,
    phone VARCHAR(20) NOT NULL,
    pack_size INTEGER NOT NULL CHECK (pack_size IN (5, 10, 15, 20, 25, 30)),
    leads_received INTEGER NOT NULL DEFAULT 0,
    status VARCHAR(20) NOT NULL DEFAULT 'active',
    created_at TIMESTAMP DEFAULT NOW()
);
CREATE TABLE leads (
    id SERIAL PRIMARY KEY,
    phone VARCHAR(20) NOT NULL,
    postal_code VARCHAR(10) NOT NULL,
    emergency_type TEXT NOT NULL,
    status VARCHAR(20) NOT NULL DEFAULT 'pending',
    confirmation_token TEXT UNIQUE NOT NULL,
    token_expires_at TIMESTAMP NOT NULL,
    created_at TIMESTAMP DEFAULT NOW()
);
INSERT INTO plumbers (phone, pack_size, leads_received, status, created_at) VALUES
    ('+33639980001', 5, 2, 'active', '2026-03-29 00:59:59'),
    ('+33639980002', 10, 10, 'exhausted', '2026-03-29 01:00:00.123456'),
    ('06 39 98 00 03', 30, 0, 'paused', NULL);
INSERT INTO leads (phone, postal_code, emergency_type, status, confirmation_token, token_expires_at, created_at) VALUES
    ('0612345678', '75011', 'Fuite d''eau', 'pending', 'old-pending', '2026-10-25 00:30:00', '2026-10-25 00:00:00'),
    ('0690123456', '97110', 'WC bouché', 'confirmed', 'old-waiting', '2026-07-01 12:30:00', '2026-07-01 12:00:00'),
    ('0612345679', '13001', 'Chauffe-eau', 'sent', 'old-sent', '2026-07-01 12:30:00', '2026-07-01 12:00:00.5'),
    ('n''importe quoi', '', '', 'sent', 'old-jeton-accentué-é/+=', '2026-07-01 12:30:00', NULL);
"""

NOTIFICATION_COLUMNS = """
ALTER TABLE leads ADD COLUMN notification_status VARCHAR(30) DEFAULT 'pending';
ALTER TABLE leads ADD COLUMN notification_attempts INTEGER DEFAULT 0;
ALTER TABLE leads ADD COLUMN notification_retry_at TIMESTAMP NULL;
ALTER TABLE leads ADD COLUMN plumber_id INTEGER NULL REFERENCES plumbers(id);
UPDATE leads SET plumber_id = 1, notification_status = 'whatsapp_sent', notification_attempts = 2
    WHERE confirmation_token = 'old-sent';
UPDATE leads SET notification_status = NULL, notification_attempts = NULL
    WHERE confirmation_token = 'old-jeton-accentué-é/+=';
INSERT INTO leads (phone, postal_code, emergency_type, status, confirmation_token, token_expires_at, created_at,
                   notification_status, notification_attempts, notification_retry_at, plumber_id) VALUES
    ('0612345680', '69003', 'Fuite', 'sent', 'old-failed', '2026-07-01 12:30:00', '2026-07-01 12:00:00',
     'whatsapp_failed', 2, NULL, 2),
    ('0612345681', '69003', 'Fuite', 'sent', 'old-half', '2026-07-01 12:30:00', '2026-07-01 12:00:00',
     'pending', 1, '2026-07-01 12:01:00', 1),
    ('0612345682', '69003', 'Fuite', 'sent', 'old-half-lost', '2026-07-01 12:30:00', '2026-07-01 12:00:00',
     'pending', 1, NULL, 1),
    ('0612345683', '69003', 'Fuite', 'sent', 'old-unsent', '2026-07-01 12:30:00', '2026-07-01 12:00:00',
     'pending', 0, '2026-07-01 12:00:10', 1);
"""

# Stopped a minute ago, in the wait that it kept in memory.
HALF_NOTIFIED_JUST_NOW = """
INSERT INTO leads (phone, postal_code, emergency_type, status, confirmation_token, token_expires_at, created_at,
                   notification_status, notification_attempts, plumber_id) VALUES
    ('0612345684', '69003', 'Fuite', 'sent', 'fresh-half', now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC',
     'pending', 1, 1);
"""

# Made by hand, in part, with types of another taste: what is missing or differs can be made right.
HALF_DONE = """
ALTER TABLE plumbers
    ALTER phone TYPE text, ALTER pack_size TYPE smallint, ALTER leads_received DROP DEFAULT,
    ALTER status DROP DEFAULT, ALTER status DROP NOT NULL, ALTER created_at TYPE timestamp(3);
ALTER TABLE leads
    ALTER phone TYPE varchar(15), ALTER postal_code TYPE text, ALTER emergency_type TYPE varchar(200),
    ALTER status TYPE text, ALTER status DROP DEFAULT, ALTER confirmation_token TYPE varchar(64),
    ALTER token_expires_at TYPE timestamptz USING token_expires_at AT TIME ZONE 'UTC',
    ALTER token_expires_at DROP NOT NULL, ALTER created_at DROP DEFAULT;
UPDATE leads SET created_at = token_expires_at WHERE created_at IS NULL;
ALTER TABLE leads
    ALTER created_at SET NOT NULL,
    ADD notification_attempts bigint,
    ADD notification_retry_at timestamptz NOT NULL DEFAULT now(),
    ADD plumber_id bigint;
ALTER TABLE leads ALTER notification_retry_at DROP DEFAULT;
UPDATE leads SET plumber_id = 1, notification_attempts = 2 WHERE confirmation_token = 'old-sent';
"""
