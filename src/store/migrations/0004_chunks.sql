-- Sealed chunks: the readings of one device in one period as columns (store/chunk.h). "id" says
-- which (store/period.h). All rows of the intake log up to "log_row" that belong into the
-- period are in the chunk.
CREATE TABLE chunk (
    id {int} PRIMARY KEY,
    log_row {int} NOT NULL,
    head {blob} NOT NULL,
    data {blob} NOT NULL
) {strict};

-- What is in the chunks of a device, and what was its latest when they were last written
-- (store/sealed.h): a start reads this and the log, and no chunk.
CREATE TABLE sealed (
    device {int} PRIMARY KEY,
    readings {int} NOT NULL,
    value_count {int} NOT NULL,
    oldest {int} NOT NULL,
    newest {int} NOT NULL,
    shown {blob} NOT NULL
) {strict};
