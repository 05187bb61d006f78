//! Translation validation: replays the steps of a rewrite on the effects before and compares with the effects after.

/// An axiom that justifies a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {}
