//! Typed loaders for `rewrites/`, compiled into the program.
