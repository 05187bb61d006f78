//! CRC-32 of the system's zlib.

use std::ffi::{c_uint, c_ulong};

extern "C" {
    fn crc32(crc: c_ulong, bytes: *const u8, length: c_uint) -> c_ulong;
}

pub fn checksum(bytes: &[u8]) -> u32 {
    let length = c_uint::try_from(bytes.len()).unwrap_or(c_uint::MAX);
    // SAFETY: `length` is at most the length of the slice.
    (unsafe { crc32(0, bytes.as_ptr(), length) }) as u32
}
