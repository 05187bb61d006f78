<?php
$db = new PDO('sqlite:' . __DIR__ . '/../data/words.db');
if (isset($_GET['add'])) {
    $db->prepare('INSERT INTO word VALUES (?)')->execute([$_GET['add']]);
}
foreach ($db->query('SELECT text FROM word ORDER BY text') as $row) {
    echo mb_strtoupper($row['text']), "\n";
}
