-- Until when the end of a replaced secret may be put off: not beyond the end that its key had.
alter table api_key_secrets add column dies_by bigint;
