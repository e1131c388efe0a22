-- Who typed in which reading, and why. The reading itself is kept like every other; it is the one
-- of the device with these two times.

CREATE TABLE entry (
    id {key},
    device {int} NOT NULL REFERENCES device(id) ON DELETE CASCADE,
    time {int} NOT NULL,
    receive {int} NOT NULL,
    account {int} NOT NULL,
    author {text} NOT NULL,
    reason {text} NOT NULL,
    UNIQUE (device, time, receive)
) {strict};
