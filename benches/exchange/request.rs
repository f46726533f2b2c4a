//! A request that is written once and then only has another key's name and secret put into it.

use keyturn::domain::Algorithm;

use crate::{
    cell::Reuse,
    keys::{self, Keys, NAME_LENGTH, SECRET_LENGTH},
};

pub(crate) struct Request {
    bytes: Vec<u8>,
    name_at: usize,
    secret_at: usize,
}

/// The resource whose tokens are signed by this algorithm; that of ES256 is the default.
pub(crate) fn resource(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Es256 => "https://es256.example.com",
        Algorithm::Rs256 => "https://rs256.example.com",
        Algorithm::EdDsa => "https://eddsa.example.com",
    }
}

impl Request {
    pub(crate) fn new(algorithm: Algorithm, reuse: Reuse) -> Self {
        let resource = match algorithm {
            Algorithm::Es256 => String::new(),
            other => format!("&resource={}", resource(other)),
        };
        let close = match reuse {
            Reuse::KeepAlive => "",
            Reuse::New => "connection: close\r\n",
        };
        let length = "name=&secret=".len() + NAME_LENGTH + SECRET_LENGTH + resource.len();
        let mut bytes = format!(
            "POST /auth/v1/api-key/token HTTP/1.1\r\nhost: 127.0.0.1\r\nuser-agent: bench/1.0\r\n\
             accept: */*\r\n{close}content-type: application/x-www-form-urlencoded\r\n\
             content-length: {length}\r\n\r\nname="
        )
        .into_bytes();
        let name_at = bytes.len();
        bytes.extend([b' '; NAME_LENGTH]);
        bytes.extend(b"&secret=");
        let secret_at = bytes.len();
        bytes.extend([b' '; SECRET_LENGTH]);
        bytes.extend(resource.as_bytes());
        Self { bytes, name_at, secret_at }
    }

    /// The request that presents this key.
    pub(crate) fn of(&mut self, keys: &Keys, number: usize) -> &[u8] {
        self.bytes[self.name_at..][..NAME_LENGTH].copy_from_slice(keys::name(number).as_bytes());
        self.bytes[self.secret_at..][..SECRET_LENGTH].copy_from_slice(keys.secret(number));
        &self.bytes
    }
}
