//! One client: a connection, a request on it, the answer's status.

use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
};

use tokio::net::TcpStream;

use crate::cell::Reuse;

pub(crate) struct Client {
    address: SocketAddr,
    reuse: Reuse,
    stream: Option<TcpStream>,
    /// Longer than any answer.
    answer: Box<[u8; 8192]>,
}

impl Client {
    pub(crate) fn new(address: SocketAddr, reuse: Reuse) -> Self {
        Self { address, reuse, stream: None, answer: Box::new([0; 8192]) }
    }

    /// The whole answer to one request. Connects where there is no connection.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> io::Result<&[u8]> {
        let stream = match self.stream.take() {
            Some(stream) => stream,
            None => TcpStream::connect(self.address).await?,
        };
        write(&stream, request).await?;
        let length = self.read(&stream).await?;
        if self.reuse == Reuse::KeepAlive {
            self.stream = Some(stream);
        }
        Ok(&self.answer[..length])
    }

    async fn read(&mut self, stream: &TcpStream) -> io::Result<usize> {
        let mut filled = 0;
        loop {
            stream.readable().await?;
            match stream.try_read(&mut self.answer[filled..]) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(read) => filled += read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error),
            }
            if length(&self.answer[..filled]).is_some_and(|length| length <= filled) {
                return Ok(filled);
            }
        }
    }
}

async fn write(stream: &TcpStream, mut request: &[u8]) -> io::Result<()> {
    while !request.is_empty() {
        match stream.try_write(request) {
            Ok(written) => request = &request[written..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => stream.writable().await?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// How long the answer is that begins like this, as soon as its header is complete.
fn length(answer: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"content-length: ";
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let mut lines = answer[..end].split(|byte| *byte == b'\n');
    let value = lines.find_map(|line| line.strip_prefix(NAME))?;
    let length: usize = str::from_utf8(value).ok()?.trim_end().parse().ok()?;
    Some(end + length)
}

pub(crate) fn is_ok(answer: &[u8]) -> bool {
    answer.starts_with(b"HTTP/1.1 200 ")
}
