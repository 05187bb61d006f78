<?php

passthru("git log");
