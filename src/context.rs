//! The build context: what lies beside a Dockerfile, as far as it is known.

/// The build context of one Dockerfile.
#[derive(Clone, Debug, Default)]
pub struct BuildContext {}

impl BuildContext {
    /// A context of which nothing is known: no fact follows from it.
    #[must_use]
    pub fn unknown() -> Self {
        Self::default()
    }
}
