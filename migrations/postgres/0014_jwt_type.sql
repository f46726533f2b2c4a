-- `typ` in the header of a resource's tokens: at+jwt (RFC 9068), or JWT for receivers that refuse
-- every other type.
alter table resources add column jwt_type text not null default 'at+jwt';
