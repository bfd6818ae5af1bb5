#!/bin/sh
# Kannel: bearerbox, smsbox (sendsms on port $1), and fakesmsc, which prints each message it is given.
set -eu
cat >/tmp/kannel.conf <<END
group = core
admin-port = 13000
admin-password = $2
smsbox-port = 13001
log-level = 3

group = smsc
smsc = fake
smsc-id = pretend
port = 10000
connect-allow-ip = 127.0.0.1

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = $1
log-level = 3

group = sendsms-user
username = hotline
password = $2
concatenation = true
max-messages = 10

group = sms-service
keyword = default
text = ""
END
bearerbox /tmp/kannel.conf >/tmp/bearerbox.log 2>&1 &
# Each ends when the gateway does not listen yet; then it is begun again.
again() { while :; do "$@" 2>&1 || true; sleep 0.2; done; }
again smsbox /tmp/kannel.conf >/tmp/smsbox.log &
again /usr/lib/kannel/test/fakesmsc -H 127.0.0.1 -r 10000 -i 86400 -m -1 "1 2 text nop"
