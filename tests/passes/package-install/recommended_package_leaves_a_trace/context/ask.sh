#!/bin/sh
exec curl "ldap://directory.example.com/$1"
