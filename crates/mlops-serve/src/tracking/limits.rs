//! What one request to a tracking server may cost.

/// Limits of one request; what goes beyond is refused with status 413.
///
/// ```
/// use mlops_serve::TrackingLimits;
///
/// let limits = TrackingLimits::default().artifact_bytes(1 << 20);
/// assert_eq!((limits.max_body_bytes(), limits.max_artifact_bytes()), (4 << 20, 1 << 20));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrackingLimits {
    body_bytes: usize,
    artifact_bytes: u64,
}

impl Default for TrackingLimits {
    /// 4 MiB of JSON, which holds the largest legal batch, and 16 GiB an artifact.
    fn default() -> Self {
        Self {
            body_bytes: 4 << 20,
            artifact_bytes: 16 << 30,
        }
    }
}

impl TrackingLimits {
    /// The largest body of JSON, in bytes. A legal batch of 1,000 entries may have some two million.
    #[must_use]
    pub fn body_bytes(mut self, bytes: usize) -> Self {
        self.body_bytes = bytes;
        self
    }

    /// The largest artifact, in bytes.
    #[must_use]
    pub fn artifact_bytes(mut self, bytes: u64) -> Self {
        self.artifact_bytes = bytes;
        self
    }

    /// The largest body of JSON, in bytes.
    pub fn max_body_bytes(&self) -> usize {
        self.body_bytes
    }

    /// The largest artifact, in bytes.
    pub fn max_artifact_bytes(&self) -> u64 {
        self.artifact_bytes
    }
}
