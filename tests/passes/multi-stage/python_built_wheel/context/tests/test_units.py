import units
