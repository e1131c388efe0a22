-- Plant, places, people, audit, and the tables of the historian.
--
-- Words in braces are filled in per database (store/db.h): {key} an id that is never used
-- twice, {int} 64-bit, {strict} what makes column types binding. Times are ms since 1970 UTC.
-- Names of quantities, units and states are kept as text, because their numbers may change.

CREATE TABLE setting (
    name {text} PRIMARY KEY,
    data {blob} NOT NULL
) {strict};

CREATE TABLE tenant (
    id {key},
    name {text} NOT NULL,
    language {text} NOT NULL,
    time_zone {text} NOT NULL
) {strict};

CREATE TABLE account (
    id {key},
    tenant {int} NOT NULL REFERENCES tenant(id) ON DELETE CASCADE,
    login {text} NOT NULL UNIQUE,
    name {text} NOT NULL,
    password_hash {text} NOT NULL,
    role {text} NOT NULL,
    language {text} NOT NULL,
    theme {text} NOT NULL,
    enabled {int} NOT NULL,
    created {int} NOT NULL,
    last_login {int} NOT NULL,
    failed_logins {int} NOT NULL,
    locked_until {int} NOT NULL,
    revision {int} NOT NULL
) {strict};
CREATE INDEX account_tenant ON account(tenant);

CREATE TABLE session (
    token_hash {blob} PRIMARY KEY,
    csrf_hash {blob} NOT NULL,
    account {int} NOT NULL REFERENCES account(id) ON DELETE CASCADE,
    created {int} NOT NULL,
    last_seen {int} NOT NULL,
    expires {int} NOT NULL
) {strict};
CREATE INDEX session_account ON session(account);
CREATE INDEX session_expires ON session(expires);

CREATE TABLE api_token (
    id {key},
    tenant {int} NOT NULL REFERENCES tenant(id) ON DELETE CASCADE,
    account {int} NOT NULL REFERENCES account(id) ON DELETE CASCADE,
    name {text} NOT NULL,
    token_hash {blob} NOT NULL UNIQUE,
    role {text} NOT NULL,
    created {int} NOT NULL,
    last_used {int} NOT NULL,
    expires {int} NOT NULL
) {strict};
CREATE INDEX api_token_tenant ON api_token(tenant);
CREATE INDEX api_token_account ON api_token(account);

CREATE TABLE line (
    id {key},
    tenant {int} NOT NULL REFERENCES tenant(id) ON DELETE CASCADE,
    name {text} NOT NULL,
    kind {text} NOT NULL,
    host {text} NOT NULL,
    port {int} NOT NULL,
    path {text} NOT NULL,
    baud {int} NOT NULL,
    parity {text} NOT NULL,
    topic {text} NOT NULL,
    login {text} NOT NULL,
    password {blob} NOT NULL,
    timeout_ms {int} NOT NULL,
    retries {int} NOT NULL,
    delay_ms {int} NOT NULL,
    echo {int} NOT NULL,
    enabled {int} NOT NULL,
    revision {int} NOT NULL
) {strict};
CREATE INDEX line_tenant ON line(tenant);

CREATE TABLE device (
    id {key},
    tenant {int} NOT NULL REFERENCES tenant(id) ON DELETE CASCADE,
    line {int} REFERENCES line(id),
    name {text} NOT NULL,
    kind {text} NOT NULL,
    profile {text} NOT NULL,
    manufacturer {text} NOT NULL,
    serial {text} NOT NULL,
    version {int} NOT NULL,
    medium {int} NOT NULL,
    primary_address {int} NOT NULL,
    secondary {int} NOT NULL,
    unit_id {int} NOT NULL,
    secret {blob} NOT NULL,
    address {text} NOT NULL,
    city {text} NOT NULL,
    latitude {real} NOT NULL,
    longitude {real} NOT NULL,
    schedule {text} NOT NULL,
    enabled {int} NOT NULL,
    revision {int} NOT NULL,
    created {int} NOT NULL
) {strict};
CREATE INDEX device_tenant ON device(tenant);
CREATE INDEX device_line ON device(line, unit_id);
CREATE UNIQUE INDEX device_identity ON device(tenant, serial, manufacturer, version, medium)
    WHERE serial <> '';

CREATE TABLE comm_state (
    device {int} PRIMARY KEY REFERENCES device(id) ON DELETE CASCADE,
    last_attempt {int} NOT NULL,
    last_success {int} NOT NULL,
    last_failure {int} NOT NULL,
    last_status {text} NOT NULL,
    failures_in_row {int} NOT NULL,
    attempts {int} NOT NULL,
    successes {int} NOT NULL,
    last_error {text} NOT NULL
) {strict};

CREATE TABLE comm_event (
    id {key},
    device {int} NOT NULL REFERENCES device(id) ON DELETE CASCADE,
    time {int} NOT NULL,
    status {text} NOT NULL,
    message {text} NOT NULL
) {strict};
CREATE INDEX comm_event_device ON comm_event(device, id);

CREATE TABLE metering_point (
    id {key},
    tenant {int} NOT NULL REFERENCES tenant(id) ON DELETE CASCADE,
    name {text} NOT NULL,
    address {text} NOT NULL,
    medium {text} NOT NULL,
    revision {int} NOT NULL
) {strict};
CREATE INDEX metering_point_tenant ON metering_point(tenant);

CREATE TABLE installation (
    id {key},
    metering_point {int} NOT NULL REFERENCES metering_point(id) ON DELETE CASCADE,
    device {int} NOT NULL REFERENCES device(id) ON DELETE CASCADE,
    since {int} NOT NULL,
    until {int} NOT NULL
) {strict};
CREATE INDEX installation_device ON installation(device);
CREATE INDEX installation_point ON installation(metering_point);

CREATE TABLE device_group (
    id {key},
    tenant {int} NOT NULL REFERENCES tenant(id) ON DELETE CASCADE,
    name {text} NOT NULL,
    UNIQUE (tenant, name)
) {strict};

CREATE TABLE group_member (
    device_group {int} NOT NULL REFERENCES device_group(id) ON DELETE CASCADE,
    device {int} NOT NULL REFERENCES device(id) ON DELETE CASCADE,
    PRIMARY KEY (device_group, device)
) {strict};
CREATE INDEX group_member_device ON group_member(device);

CREATE TABLE audit (
    id {key},
    tenant {int} NOT NULL,
    time {int} NOT NULL,
    account {int} NOT NULL,
    action {text} NOT NULL,
    object {text} NOT NULL,
    detail {text} NOT NULL
) {strict};
CREATE INDEX audit_tenant ON audit(tenant, id);

CREATE TABLE learned (
    name {text} PRIMARY KEY,
    data {blob} NOT NULL
) {strict};

-- One series. "key" is the text form of a point key: "energy.s1.t2".
CREATE TABLE point (
    id {key},
    device {int} NOT NULL REFERENCES device(id) ON DELETE CASCADE,
    name {text} NOT NULL,
    unit {text} NOT NULL,
    kind {text} NOT NULL,
    label {text} NOT NULL,
    UNIQUE (device, name, unit, kind)
) {strict};

-- One row per committed batch; format in store/log.h.
CREATE TABLE intake_log (
    id {key},
    data {blob} NOT NULL
) {strict};

-- Raw frames of one batch until they are moved, compressed, to the frame blocks.
CREATE TABLE frame_log (
    id {key},
    data {blob} NOT NULL
) {strict};

-- Removed devices whose values and frames are still to be wiped from the logs, in small steps:
-- rows of intake_log below log_next are done.
CREATE TABLE erasure (
    device {int} PRIMARY KEY,
    log_next {int} NOT NULL
) {strict};
