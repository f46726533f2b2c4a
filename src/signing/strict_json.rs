//! JSON as strangers send it: one object, no member twice, nothing deep.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one JSON object of at most 8 levels without a member twice")]
pub(super) struct MalformedJson;

/// How many objects and arrays may stand inside each other; parsers of others have crashed on
/// more.
const DEEPEST: usize = 8;

/// Reads an object. Of two members of one name some readers take the first and others the last,
/// so that one object would say two things: it says nothing here.
pub(super) fn object(text: &[u8]) -> Result<Map<String, Value>, MalformedJson> {
    let mut json = serde_json::Deserializer::from_slice(text);
    let read = Strict { levels_left: DEEPEST }.deserialize(&mut json);
    match (read, json.end()) {
        (Ok(Value::Object(members)), Ok(())) => Ok(members),
        _ => Err(MalformedJson),
    }
}

#[derive(Clone, Copy)]
struct Strict {
    levels_left: usize,
}

impl Strict {
    fn inside<E: Error>(self) -> Result<Self, E> {
        let levels_left =
            self.levels_left.checked_sub(1).ok_or_else(|| E::custom(MalformedJson))?;
        Ok(Self { levels_left })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom(MalformedJson))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut elements = Vec::new();
        while let Some(element) = array.next_element_seed(inside)? {
            elements.push(element);
        }
        Ok(elements.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut members = Map::new();
        while let Some(name) = object.next_key::<String>()? {
            let value = object.next_value_seed(inside)?;
            if members.insert(name, value).is_some() {
                return Err(A::Error::custom(MalformedJson));
            }
        }
        Ok(members.into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn jt_03_a_member_twice_is_refused_at_every_depth_and_in_every_spelling() {
        for text in [
            r#"{"sub":1,"sub":1}"#,
            r#"{"sub":1,"s\u0075b":2}"#,
            r#"{"a":{"b":[{"c":1,"c":2}]}}"#,
            r#"{"":1,"":2}"#,
        ] {
            assert_eq!(object(text.as_bytes()), Err(MalformedJson), "{text}");
        }
        assert!(object(br#"{"sub":1,"Sub":2,"act":{"sub":3}}"#).is_ok());
    }

    #[test]
    fn jt_03_eight_levels_are_read_and_nine_are_not() {
        let nested = |levels: usize| {
            let (open, close) = (r#"{"a":"#.repeat(levels - 1), "}".repeat(levels - 1));
            object(format!("{open}{{}}{close}").as_bytes())
        };
        let arrays = |levels: usize| {
            let (open, close) = ("[".repeat(levels - 1), "]".repeat(levels - 1));
            object(format!(r#"{{"a":{open}{close}}}"#).as_bytes())
        };

        assert!(nested(8).is_ok() && arrays(8).is_ok());
        for levels in [9, 100, 100_000] {
            assert_eq!(nested(levels), Err(MalformedJson));
            assert_eq!(arrays(levels), Err(MalformedJson));
        }
    }

    #[test]
    fn jt_03_what_is_not_one_object_in_utf_8_is_refused() {
        let texts: [&[u8]; 14] = [
            b"",
            b"null",
            b"[]",
            b"\"a\"",
            b"1",
            b"{",
            b"{}{}",
            b"{} x",
            b"{}\0",
            b"{'a':1}",
            b"{\"a\":1,}",
            b"{\"\xff\":1}",
            b"\xef\xbb\xbf{}",
            b"{\"a\":\"\\ud800\"}",
        ];
        for text in texts {
            assert_eq!(object(text), Err(MalformedJson), "{}", text.escape_ascii());
        }
    }

    #[test]
    fn jt_07_numbers_that_no_float_holds_are_refused() {
        for text in [r#"{"exp":1e400}"#, r#"{"exp":-1e400}"#, r#"{"exp":NaN}"#, r#"{"exp":01}"#] {
            assert_eq!(object(text.as_bytes()), Err(MalformedJson), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_read_as_any_reader_would(text in r#"[\{\}\[\]",:a-c0-9eE.\\-]{0,40}"#) {
            if let Ok(members) = object(text.as_bytes()) {
                let plain: Value = serde_json::from_str(&text).unwrap();
                prop_assert_eq!(Value::Object(members), plain);
            }
        }

        #[test]
        fn every_kind_of_value_survives(number in any::<i64>(), text in any::<String>()) {
            let value = json!({ "a": number, "b": [text, null, true, 0.5, {}], "c": u64::MAX });
            let read = object(value.to_string().as_bytes()).unwrap();
            prop_assert_eq!(Value::Object(read), value);
        }
    }
}
