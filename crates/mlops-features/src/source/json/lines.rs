//! Lines of bounded length out of a stream of bytes.

use std::io::{BufRead, BufReader, Read};

use super::super::unpack::BUFFER;

/// What the next line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// It is in the buffer, without its end.
    Whole,
    /// It is longer than the limit; its beginning is in the buffer, the rest was passed over.
    TooLong,
    /// There is none.
    End,
}

pub(super) struct Lines<R> {
    reader: BufReader<R>,
    line: Vec<u8>,
    limit: usize,
    first: bool,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(reader: R, limit: usize) -> Self {
        Self {
            reader: BufReader::with_capacity(BUFFER, reader),
            line: Vec::new(),
            limit,
            first: true,
        }
    }

    /// Moves to the next line that is not blank.
    pub(super) fn advance(&mut self) -> std::io::Result<Line> {
        loop {
            let line = self.read()?;
            if std::mem::take(&mut self.first) && self.line.starts_with(b"\xef\xbb\xbf") {
                self.line.drain(..3);
            }
            if line != Line::Whole || !self.line.trim_ascii().is_empty() {
                return Ok(line);
            }
        }
    }

    fn read(&mut self) -> std::io::Result<Line> {
        self.line.clear();
        let mut too_long = false;
        loop {
            let bytes = match self.reader.fill_buf() {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if bytes.is_empty() {
                let nothing = self.line.is_empty() && !too_long;
                return Ok(if nothing { Line::End } else { ended(too_long) });
            }
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let part = &bytes[..end.unwrap_or(bytes.len())];
            let room = self.limit - self.line.len();
            self.line.extend_from_slice(&part[..part.len().min(room)]);
            too_long |= part.len() > room;
            let passed = part.len() + usize::from(end.is_some());
            self.reader.consume(passed);
            if end.is_some() {
                return Ok(ended(too_long));
            }
        }
    }

    /// The line that was read last.
    pub(super) fn line(&self) -> &[u8] {
        &self.line
    }

    pub(super) fn reader(&self) -> &R {
        self.reader.get_ref()
    }
}

fn ended(too_long: bool) -> Line {
    if too_long { Line::TooLong } else { Line::Whole }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_where_they_end_and_blank_ones_are_passed_over() {
        let text = "\u{feff}{}\r\n\n  \n12345678\n123456789\n\u{feff}\nlast";
        let mut lines = Lines::new(text.as_bytes(), 8);
        let mut seen = Vec::new();
        loop {
            let line = lines.advance().unwrap();
            if line == Line::End {
                break;
            }
            seen.push((line, String::from_utf8_lossy(lines.line()).into_owned()));
        }
        let expected = [
            (Line::Whole, "{}\r"),
            (Line::Whole, "12345678"),
            (Line::TooLong, "12345678"),
            (Line::Whole, "\u{feff}"),
            (Line::Whole, "last"),
        ];
        assert_eq!(seen, expected.map(|(line, text)| (line, text.to_owned())));
    }
}
