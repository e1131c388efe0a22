-- A store of schema version 1 with one line, device, reading, frame and user, as sqlite3 .dump writes it.
-- Its secret.key is the text 0123456789abcdef0123456789abcdef.
BEGIN TRANSACTION;
CREATE TABLE schema_version (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied INTEGER NOT NULL) STRICT;
INSERT INTO schema_version VALUES(1,'base',1700000000000);
CREATE TABLE setting (
    name TEXT PRIMARY KEY,
    data BLOB NOT NULL
) STRICT;
INSERT INTO setting VALUES('secret_check',X'537c8f39d1bfc17e6a3e9a003f22de9602cb24e362d1acd7edd6207299d294a91d67835e5e9655be291118f5ab2a47e5b8');
CREATE TABLE tenant (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    language TEXT NOT NULL,
    time_zone TEXT NOT NULL
) STRICT;
INSERT INTO tenant VALUES(1,'Town','en','Europe/Copenhagen');
CREATE TABLE account (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL REFERENCES tenant(id) ON DELETE CASCADE,
    login TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    role TEXT NOT NULL,
    language TEXT NOT NULL,
    theme TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    created INTEGER NOT NULL,
    last_login INTEGER NOT NULL,
    failed_logins INTEGER NOT NULL,
    locked_until INTEGER NOT NULL,
    revision INTEGER NOT NULL
) STRICT;
INSERT INTO account VALUES(1,1,'aase','','','admin','','',1,1700000000000,0,0,0,1);
CREATE TABLE session (
    token_hash BLOB PRIMARY KEY,
    csrf_hash BLOB NOT NULL,
    account INTEGER NOT NULL REFERENCES account(id) ON DELETE CASCADE,
    created INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    expires INTEGER NOT NULL
) STRICT;
CREATE TABLE api_token (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL REFERENCES tenant(id) ON DELETE CASCADE,
    account INTEGER NOT NULL REFERENCES account(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    token_hash BLOB NOT NULL UNIQUE,
    role TEXT NOT NULL,
    created INTEGER NOT NULL,
    last_used INTEGER NOT NULL,
    expires INTEGER NOT NULL
) STRICT;
CREATE TABLE line (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL REFERENCES tenant(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    host TEXT NOT NULL,
    port INTEGER NOT NULL,
    path TEXT NOT NULL,
    baud INTEGER NOT NULL,
    parity TEXT NOT NULL,
    topic TEXT NOT NULL,
    login TEXT NOT NULL,
    password BLOB NOT NULL,
    timeout_ms INTEGER NOT NULL,
    retries INTEGER NOT NULL,
    delay_ms INTEGER NOT NULL,
    echo INTEGER NOT NULL,
    enabled INTEGER NOT NULL,
    revision INTEGER NOT NULL
) STRICT;
INSERT INTO line VALUES(1,1,'Master 1','mbus-tcp','10.0.0.7',10001,'',0,'','','',X'0571c0eb50d750e7f1cd325cabf081b2fdb9a67733f7a79c920921130b3c003d69d82f36a5479abe8ee2565d0087d1d318ff0d',0,0,0,0,1,1);
CREATE TABLE device (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL REFERENCES tenant(id) ON DELETE CASCADE,
    line INTEGER REFERENCES line(id),
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    profile TEXT NOT NULL,
    manufacturer TEXT NOT NULL,
    serial TEXT NOT NULL,
    version INTEGER NOT NULL,
    medium INTEGER NOT NULL,
    primary_address INTEGER NOT NULL,
    secondary INTEGER NOT NULL,
    unit_id INTEGER NOT NULL,
    secret BLOB NOT NULL,
    address TEXT NOT NULL,
    city TEXT NOT NULL,
    latitude REAL NOT NULL,
    longitude REAL NOT NULL,
    schedule TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    created INTEGER NOT NULL
) STRICT;
INSERT INTO device VALUES(1,1,1,'Flat 3','heat_meter','','KAM','12345678',52,4,7,0,0,X'a38e8998b128af08401fffed046e4bc56ede513748bb2333ecb2155e70a23283986e9e6f8843bdf2b5f3ec8b70a681f4509a675f4fa40078','','',0.0,0.0,'every 15 min',1,1,1700000000000);
CREATE TABLE comm_state (
    device INTEGER PRIMARY KEY REFERENCES device(id) ON DELETE CASCADE,
    last_attempt INTEGER NOT NULL,
    last_success INTEGER NOT NULL,
    last_failure INTEGER NOT NULL,
    last_status TEXT NOT NULL,
    failures_in_row INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    successes INTEGER NOT NULL,
    last_error TEXT NOT NULL
) STRICT;
CREATE TABLE comm_event (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    device INTEGER NOT NULL REFERENCES device(id) ON DELETE CASCADE,
    time INTEGER NOT NULL,
    status TEXT NOT NULL,
    message TEXT NOT NULL
) STRICT;
CREATE TABLE metering_point (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL REFERENCES tenant(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    address TEXT NOT NULL,
    medium TEXT NOT NULL,
    revision INTEGER NOT NULL
) STRICT;
CREATE TABLE installation (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    metering_point INTEGER NOT NULL REFERENCES metering_point(id) ON DELETE CASCADE,
    device INTEGER NOT NULL REFERENCES device(id) ON DELETE CASCADE,
    since INTEGER NOT NULL,
    until INTEGER NOT NULL
) STRICT;
CREATE TABLE device_group (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL REFERENCES tenant(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    UNIQUE (tenant, name)
) STRICT;
CREATE TABLE group_member (
    device_group INTEGER NOT NULL REFERENCES device_group(id) ON DELETE CASCADE,
    device INTEGER NOT NULL REFERENCES device(id) ON DELETE CASCADE,
    PRIMARY KEY (device_group, device)
) STRICT;
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL,
    time INTEGER NOT NULL,
    account INTEGER NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
CREATE TABLE learned (
    name TEXT PRIMARY KEY,
    data BLOB NOT NULL
) STRICT;
CREATE TABLE point (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    device INTEGER NOT NULL REFERENCES device(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    unit TEXT NOT NULL,
    kind TEXT NOT NULL,
    label TEXT NOT NULL,
    UNIQUE (device, name, unit, kind)
) STRICT;
INSERT INTO point VALUES(1,1,'volume','m3','decimal','');
INSERT INTO point VALUES(2,1,'info_code','','text','');
CREATE TABLE intake_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    data BLOB NOT NULL
) STRICT;
INSERT INTO intake_log VALUES(1,X'01dcf10e5701010280a0abfef962b81711010202a41381040568656c6c6f');
CREATE TABLE frame_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    data BLOB NOT NULL
) STRICT;
INSERT INTO frame_log VALUES(1,X'0177b447b2010080a0abfef9620202020100000468010216');
CREATE TABLE erasure (
    device INTEGER PRIMARY KEY,
    log_next INTEGER NOT NULL
) STRICT;
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('tenant',1);
INSERT INTO sqlite_sequence VALUES('line',1);
INSERT INTO sqlite_sequence VALUES('device',1);
INSERT INTO sqlite_sequence VALUES('point',2);
INSERT INTO sqlite_sequence VALUES('frame_log',1);
INSERT INTO sqlite_sequence VALUES('intake_log',1);
INSERT INTO sqlite_sequence VALUES('account',1);
CREATE INDEX account_tenant ON account(tenant);
CREATE INDEX session_account ON session(account);
CREATE INDEX session_expires ON session(expires);
CREATE INDEX api_token_tenant ON api_token(tenant);
CREATE INDEX api_token_account ON api_token(account);
CREATE INDEX line_tenant ON line(tenant);
CREATE INDEX device_tenant ON device(tenant);
CREATE INDEX device_line ON device(line, unit_id);
CREATE UNIQUE INDEX device_identity ON device(tenant, serial, manufacturer, version, medium)
    WHERE serial <> '';
CREATE INDEX comm_event_device ON comm_event(device, id);
CREATE INDEX metering_point_tenant ON metering_point(tenant);
CREATE INDEX installation_device ON installation(device);
CREATE INDEX installation_point ON installation(metering_point);
CREATE INDEX group_member_device ON group_member(device);
CREATE INDEX audit_tenant ON audit(tenant, id);
COMMIT;
