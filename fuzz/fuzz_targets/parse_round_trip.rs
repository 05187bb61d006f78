//! Any text is read without a panic; its items are the text; reading them again gives the same tree.

#![no_main]

use imgopt::syntax::ast::{Command, InstructionKind};
use imgopt::syntax::parse;
use imgopt::syntax::reading::Reading;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|source: &str| {
    let parsed = parse(source);
    let joined: String = parsed.dockerfile.items.iter().map(|item| item.span.of(source)).collect();
    assert_eq!(joined, source);
    assert_eq!(parse(&joined).dockerfile, parsed.dockerfile);
    for instruction in &parsed.dockerfile.instructions {
        assert!(instruction.span.contains(instruction.keyword));
        assert!(instruction.span.contains(instruction.arguments));
        if let InstructionKind::Run(Command::Shell(text)) = &instruction.kind {
            let pieces: String = text.pieces.iter().map(|piece| piece.of(source)).collect();
            assert_eq!(pieces, text.text);
        }
    }
    let reading = Reading::new("Dockerfile", source);
    assert_eq!(reading.error.is_some() || reading.instr_error.is_some(), parsed.has_errors());
});
