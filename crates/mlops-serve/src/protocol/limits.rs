//! What one request may cost.

/// Limits of one request; what goes beyond is refused with status 413, or 400 for the depth.
///
/// ```
/// use mlops_serve::Limits;
///
/// let limits = Limits::default().rows(100);
/// assert_eq!(limits.max_rows(), 100);
/// assert_eq!(limits.max_body_bytes(), 64 << 20);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    body_bytes: usize,
    rows: usize,
    json_depth: usize,
}

impl Default for Limits {
    /// 64 MiB, 10,000 rows, brackets nested 100 deep.
    fn default() -> Self {
        Self {
            body_bytes: 64 << 20,
            rows: 10_000,
            json_depth: 100,
        }
    }
}

impl Limits {
    /// The largest body, in bytes.
    #[must_use]
    pub fn body_bytes(mut self, bytes: usize) -> Self {
        self.body_bytes = bytes;
        self
    }

    /// The most rows or outcomes in one request.
    #[must_use]
    pub fn rows(mut self, rows: usize) -> Self {
        self.rows = rows;
        self
    }

    /// How deep brackets may be nested; more than 100 has no effect.
    #[must_use]
    pub fn json_depth(mut self, depth: usize) -> Self {
        self.json_depth = depth.min(100);
        self
    }

    /// The largest body, in bytes.
    pub fn max_body_bytes(&self) -> usize {
        self.body_bytes
    }

    /// The most rows or outcomes in one request.
    pub fn max_rows(&self) -> usize {
        self.rows
    }

    /// How deep brackets may be nested.
    pub fn max_json_depth(&self) -> usize {
        self.json_depth
    }

    /// Refuses more rows than are allowed.
    pub(crate) fn check_rows(&self, rows: usize) -> crate::Result<()> {
        if rows > self.rows {
            return Err(crate::Error::TooLarge {
                what: "the number of rows in a request",
                limit: self.rows,
            });
        }
        Ok(())
    }
}
