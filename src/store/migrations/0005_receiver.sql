-- What the radio receiver of a line speaks; lines from before mix bare telegrams and text.

ALTER TABLE line ADD COLUMN receiver {text} NOT NULL DEFAULT 'auto';
