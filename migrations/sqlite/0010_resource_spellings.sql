-- The one spelling of all that are the same URI (RFC 3986, section 6.2): no two resources share it.
-- Empty where the previous version registered the resource.
alter table resources add column normal text;
create unique index resources_by_normal on resources (normal);
