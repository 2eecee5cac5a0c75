//! One kept-alive connection to a server on the loopback address.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
};

/// A connection that is opened anew where the server closed it.
#[derive(Debug)]
pub(crate) struct Connection {
    address: SocketAddr,
    stream: BufReader<TcpStream>,
}

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

fn connect(address: SocketAddr) -> BufReader<TcpStream> {
    let stream = TcpStream::connect(address).expect("the server listens");
    stream.set_nodelay(true).expect("a socket");
    BufReader::new(stream)
}

impl Connection {
    pub(crate) fn to(address: SocketAddr) -> Self {
        Self {
            address,
            stream: connect(address),
        }
    }

    /// Sends a request and reads its answer.
    pub(crate) fn send(&mut self, verb: &str, target: &[u8], body: &[u8]) -> Answer {
        let length = body.len();
        let head = format!(
            " HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
        );
        let request = [verb.as_bytes(), b" ", target, head.as_bytes(), body].concat();
        let sent = self.stream.get_mut().write_all(&request);
        sent.expect("the server reads");
        let status = self.line();
        let status = status.split(' ').nth(1).expect("a status line");
        let status = status.parse().expect("a number");
        let (mut length, mut chunked, mut close) = (None, false, false);
        loop {
            let header = self.line().to_ascii_lowercase();
            let (name, value) = header.split_once(':').unwrap_or_default();
            match (name, value.trim()) {
                ("content-length", value) => length = Some(value.parse().expect("a length")),
                ("transfer-encoding", "chunked") => chunked = true,
                ("connection", "close") => close = true,
                _ => {}
            }
            if header.trim().is_empty() {
                break;
            }
        }
        let mut body = Vec::new();
        if chunked {
            self.chunks(&mut body);
        } else {
            body.resize(length.unwrap_or(0), 0);
            self.stream.read_exact(&mut body).expect("the whole body");
        }
        if close {
            self.stream = connect(self.address);
        }
        Answer { status, body }
    }

    fn chunks(&mut self, body: &mut Vec<u8>) {
        loop {
            let line = self.line();
            let length = usize::from_str_radix(line.trim(), 16).expect("the length of a chunk");
            let at = body.len();
            body.resize(at + length, 0);
            self.stream.read_exact(&mut body[at..]).expect("the chunk");
            self.line();
            if length == 0 {
                return;
            }
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        let read = self.stream.read_line(&mut line);
        assert!(
            read.expect("the server answers") > 0,
            "the server closed the connection"
        );
        line
    }
}
