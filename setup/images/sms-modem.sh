#!/bin/sh
# gammu-smsd with the dummy modem: the modem is the folder $1/modem (a file in sms/1 is a message that comes in), its
# database $1/smsd.db.
set -eu
umask 0
folder=$1
for box in 1 2 3 4 5; do mkdir -p "$folder/modem/sms/$box"; done
# Whole or not at all: who looks meanwhile must not find half a database.
if [ ! -f "$folder/smsd.db" ]; then
  sqlite3 /tmp/smsd.db </usr/share/doc/gammu-smsd/examples/sqlite.sql
  cp /tmp/smsd.db "$folder/smsd.db.part"
  mv "$folder/smsd.db.part" "$folder/smsd.db"
fi
cat >/tmp/smsdrc <<END
[gammu]
model = dummy
connection = none
device = $folder/modem
[smsd]
service = sql
driver = sqlite3
dbdir = $folder/
database = smsd.db
logfile = stderr
debuglevel = 0
commtimeout = 1
loopsleep = 1
receivefrequency = 1
statusfrequency = 0
checksecurity = 0
checkbattery = 0
checksignal = 0
END
exec gammu-smsd -c /tmp/smsdrc
