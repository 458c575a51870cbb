-- Version 5: a parse that takes longer than its time limit goes on where it was.
ALTER TABLE meterbeat.run ADD COLUMN checkpoint jsonb; -- what of its work is booked already; null: nothing is
