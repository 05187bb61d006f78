CREATE TABLE place (name TEXT PRIMARY KEY, lat REAL, lon REAL);
INSERT INTO place VALUES ('Berlin', 52.52, 13.40), ('Paris', 48.85, 2.35), ('Oslo', 59.91, 10.75);
