<?php
$db = new PDO('sqlite:' . __DIR__ . '/../data/words.db');
$db->exec('CREATE TABLE word (text TEXT); INSERT INTO word VALUES ("straße"), ("haus")');
