//! Any text is rewritten without a panic; what comes out is accepted, a second run changes nothing, no pass is refused.

#![no_main]

use imgopt::context::BuildContext;
use imgopt::rewrite::Level;
use imgopt::syntax::parse;
use imgopt::{Options, optimize};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|source: &str| {
    let options = Options { level: Level::Breaking, ..Options::default() };
    let outcome = optimize(source, &BuildContext::unknown(), &options);
    assert!(outcome.violations.is_empty(), "{:?}", outcome.violations);
    if outcome.changed() {
        assert!(!parse(&outcome.optimized).has_errors());
        let second = optimize(&outcome.optimized, &BuildContext::unknown(), &options);
        assert_eq!(second.optimized, outcome.optimized);
    }
});
