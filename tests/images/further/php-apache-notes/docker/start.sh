#!/bin/bash
set -e
cd /var/www/site
su -s /bin/sh -c "php src/install.php" www-data
rm -f "$APACHE_PID_FILE"
exec /usr/sbin/apache2ctl -D FOREGROUND
