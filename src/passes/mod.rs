//! The passes and their order.
