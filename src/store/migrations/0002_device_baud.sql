-- The rate a wired meter talks at when it is not its line's; 0 = the line's.
ALTER TABLE device ADD COLUMN baud {int} NOT NULL DEFAULT 0;
