<?php

echo "notes";
