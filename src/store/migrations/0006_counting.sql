-- What a plain difference of a counter's readings does not know: exchanges, resets, how many
-- digits the register has, and on which day and hour the meter's periods begin.

CREATE TABLE counter_event (
    id {key},
    point {int} NOT NULL REFERENCES point(id) ON DELETE CASCADE,
    time {int} NOT NULL,
    kind {text} NOT NULL,
    closing {text} NOT NULL,
    opening {text} NOT NULL,
    author {int} NOT NULL,
    entered {int} NOT NULL,
    note {text} NOT NULL,
    UNIQUE (point, time)
) {strict};

CREATE TABLE counter_digits (
    point {int} NOT NULL PRIMARY KEY REFERENCES point(id) ON DELETE CASCADE,
    digits {int} NOT NULL
) {strict};

CREATE TABLE settlement (
    device {int} NOT NULL PRIMARY KEY REFERENCES device(id) ON DELETE CASCADE,
    day {int} NOT NULL,
    hour {int} NOT NULL
) {strict};
