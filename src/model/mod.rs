//! Facts that passes share, computed once and read-only.
