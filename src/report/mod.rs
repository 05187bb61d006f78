//! What reports print of an outcome.
