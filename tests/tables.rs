//! The tables in `rewrites/`: they load, are sorted, name their sources, and say what is so.

use imgopt::tables::{self, DistributionName, Fact, PackageManager, Sh};

#[test]
fn every_table_loads() {
    tables::check().unwrap();
}
