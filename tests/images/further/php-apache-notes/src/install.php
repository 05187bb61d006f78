<?php
require __DIR__ . '/database.php';

$config = require __DIR__ . '/../config/app.php';
database($config)->exec('CREATE TABLE IF NOT EXISTS note (id INTEGER PRIMARY KEY, title TEXT, body TEXT)');
echo "database is ready\n";
