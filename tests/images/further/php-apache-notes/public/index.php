<?php
require __DIR__ . '/../src/database.php';

$config = require __DIR__ . '/../config/app.php';
$db = database($config);
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);

if ($path === '/about') {
    header('Content-Type: application/json');
    $image = imagecreatetruecolor(4, 2);
    echo json_encode([
        'zone' => date_default_timezone_get(),
        'upload' => ini_get('upload_max_filesize'),
        'gd' => imagesx($image),
        'upper' => mb_strtoupper('ärger'),
        'xml' => (string) simplexml_load_string('<a><b>xml</b></a>')->b,
    ]);
} elseif ($path === '/notes' && $_SERVER['REQUEST_METHOD'] === 'POST') {
    $insert = $db->prepare('INSERT INTO note (title, body) VALUES (?, ?)');
    $insert->execute([$_POST['title'] ?? '', $_POST['body'] ?? '']);
    file_put_contents($config['log'], "added {$_POST['title']}\n", FILE_APPEND);
    header('Location: /', true, 303);
} elseif ($path === '/') {
    $notes = $db->query('SELECT title, body FROM note ORDER BY id')->fetchAll(PDO::FETCH_ASSOC);
    require __DIR__ . '/../templates/list.php';
} else {
    http_response_code(404);
    echo 'nothing here';
}
