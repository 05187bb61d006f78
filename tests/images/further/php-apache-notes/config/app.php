<?php
return [
    'name' => 'Notes',
    'database' => __DIR__ . '/../storage/notes.sqlite',
    'log' => __DIR__ . '/../storage/logs/app.log',
];
