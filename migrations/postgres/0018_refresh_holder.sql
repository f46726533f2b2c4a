-- Who holds the tokens of a refresh family, as a hash: of one holder the oldest families end where
-- too many live. Families from before have none, and end by their age.
alter table refresh_families add column holder bytea;
create index refresh_families_live_of_holder on refresh_families (holder, id) where ended_at is null;
