//! Moments as RFC 3339 writes them, in whole seconds.

use chrono::SubsecRound as _;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, Type},
};

use crate::clock::{Timestamp, timestamp};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub(super) struct Moment(pub(super) Timestamp);

impl Moment {
    /// The first second of the year 10000: RFC 3339 has four digits for a year.
    const TOO_LATE: i64 = 253_402_300_800;
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let at = text.parse::<Timestamp>().map_err(|_| {
            D::Error::custom("a moment has a date, a time and a zone, as RFC 3339 writes them")
        })?;
        let at = at.trunc_subsecs(0);
        if (0..Self::TOO_LATE).contains(&at.timestamp()) {
            return Ok(Self(at));
        }
        Err(D::Error::custom("a moment lies between the years 1970 and 9999"))
    }
}

impl From<Timestamp> for Moment {
    fn from(at: Timestamp) -> Self {
        Self(at)
    }
}

impl PartialSchema for Moment {
    fn schema() -> RefOr<Schema> {
        let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
        let text = "RFC 3339, in whole seconds, from 1970 to 9999.";
        let schema = ObjectBuilder::new().schema_type(Type::String).format(Some(format));
        schema.description(Some(text)).into()
    }
}

impl ToSchema for Moment {}

/// Of a minute as usage is counted by.
pub(super) fn of_minute(minute: i64) -> Option<Moment> {
    timestamp(minute * 60).map(Moment)
}
