require('better-sqlite3')('/tmp/a.db');
