-- Raw frames, compressed in blocks of some hundred kilobytes (store/frame_codec.h).

-- Frames first..last of the frame log, received between oldest and newest.
CREATE TABLE frame_block (
    id {key},
    first_log {int} NOT NULL,
    last_log {int} NOT NULL,
    oldest {int} NOT NULL,
    newest {int} NOT NULL,
    frames {int} NOT NULL,
    data {blob} NOT NULL
) {strict};
CREATE INDEX frame_block_log ON frame_block(last_log);

-- Which blocks hold frames of a device, and of a line.
CREATE TABLE frame_device (
    device {int} NOT NULL,
    block {int} NOT NULL REFERENCES frame_block(id) ON DELETE CASCADE,
    PRIMARY KEY (device, block)
) {strict};
CREATE INDEX frame_device_block ON frame_device(block);

CREATE TABLE frame_line (
    line {int} NOT NULL,
    block {int} NOT NULL REFERENCES frame_block(id) ON DELETE CASCADE,
    PRIMARY KEY (line, block)
) {strict};
CREATE INDEX frame_line_block ON frame_line(block);
