<?php
function database(array $config): PDO
{
    $pdo = new PDO('sqlite:' . $config['database']);
    $pdo->setAttribute(PDO::ATTR_ERRMODE, PDO::ERRMODE_EXCEPTION);
    return $pdo;
}
