<?php
new SQLite3($argv[1]);
