-- How long readings are kept, which chunks are thinned already, and spans of time whose readings
-- somebody has a right to have forgotten.

-- Months for which a tenant keeps all readings, and one a day; 0 = for ever. The reading of a day
-- is the one nearest to the hour.
CREATE TABLE retention (
    tenant {int} PRIMARY KEY REFERENCES tenant(id) ON DELETE CASCADE,
    full_months {int} NOT NULL,
    day_months {int} NOT NULL,
    day_hour {int} NOT NULL
) {strict};

-- Chunks with one reading a day, as long as they have not been written again since (another
-- log_row).
CREATE TABLE thinned (
    chunk {int} PRIMARY KEY,
    log_row {int} NOT NULL
) {strict};

-- The row stays as the proof, without any of the data. "stage" and "place" say how far it is;
-- "ended" is 0 until nothing is left.
CREATE TABLE forgotten (
    id {key},
    tenant {int} NOT NULL REFERENCES tenant(id) ON DELETE CASCADE,
    device {int} NOT NULL,
    since {int} NOT NULL,
    until {int} NOT NULL,
    account {int} NOT NULL,
    reason {text} NOT NULL,
    requested {int} NOT NULL,
    stage {int} NOT NULL,
    place {int} NOT NULL,
    readings {int} NOT NULL,
    frames {int} NOT NULL,
    ended {int} NOT NULL
) {strict};
CREATE INDEX forgotten_tenant ON forgotten(tenant, id);
