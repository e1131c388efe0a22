-- Settings of a line that came later: TLS and the kept session of MQTT, and connections that are
-- closed after each cycle.

ALTER TABLE line ADD COLUMN tls {int} NOT NULL DEFAULT 0;
ALTER TABLE line ADD COLUMN ca_file {text} NOT NULL DEFAULT '';
ALTER TABLE line ADD COLUMN cert_file {text} NOT NULL DEFAULT '';
ALTER TABLE line ADD COLUMN key_file {text} NOT NULL DEFAULT '';
ALTER TABLE line ADD COLUMN client_id {text} NOT NULL DEFAULT '';
ALTER TABLE line ADD COLUMN per_cycle {int} NOT NULL DEFAULT 0;
