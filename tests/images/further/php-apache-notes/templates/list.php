<!doctype html>
<title><?= htmlspecialchars($config['name']) ?></title>
<link rel="stylesheet" href="/css/notes.css">
<main>
<?php foreach ($notes as $note): ?>
<h2><?= htmlspecialchars($note['title']) ?></h2>
<p><?= htmlspecialchars($note['body']) ?></p>
<?php endforeach ?>
</main>
