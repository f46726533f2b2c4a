-- How tokens for a resource are signed until the first key of its algorithm signs.
alter table resources add column algorithm_before text;

-- The secret that came in the same answer as the newest token of a client that registered itself.
alter table clients add column registration_secret blob;
