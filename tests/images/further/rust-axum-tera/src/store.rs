use rusqlite::{params, Connection, Result};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Entry {
    pub name: String,
    pub message: String,
}

pub struct Store(Connection);

impl Store {
    pub fn open(path: &str) -> Result<Self> {
        let connection = Connection::open(path)?;
        connection.execute_batch(include_str!("../migrations/001.sql"))?;
        Ok(Self(connection))
    }

    pub fn add(&self, entry: &Entry) -> Result<()> {
        self.0.execute(
            "INSERT INTO entry (name, message) VALUES (?1, ?2)",
            params![entry.name, entry.message],
        )?;
        Ok(())
    }

    pub fn all(&self) -> Result<Vec<Entry>> {
        let mut statement = self.0.prepare("SELECT name, message FROM entry ORDER BY id")?;
        let rows = statement.query_map([], |row| Ok(Entry { name: row.get(0)?, message: row.get(1)? }))?;
        rows.collect()
    }
}
