#!/bin/sh
# Makes the secrets that deploy/compose.yaml hands to its containers. Run again, it keeps what is there.
#
# Compose mounts these files as they are, and the containers run as users that this machine does not know. The files
# are therefore readable and the folder around them is not: nobody else on this machine gets past it.
set -eu
folder=${1:-"$(dirname "$0")/secrets"}
umask 022
mkdir -p "$folder"
chmod 700 "$folder"

# Letters and digits only, so that the same text is right in a URL, a header and an access point's form.
random() { LC_ALL=C tr -dc 'A-Za-z0-9' </dev/urandom | head -c "$1"; }

keep() {
  if [ -s "$folder/$1" ]; then
    echo "kept $folder/$1"
  else
    printf '%s\n' "$2" >"$folder/$1"
    echo "made $folder/$1"
  fi
}

keep radius-secret "$(random 24)"
keep admin-token "$(random 40)"
keep postgres-password "$(random 32)"
keep database-url "postgres://rollcall:$(cat "$folder/postgres-password")@postgres:5432/rollcall"
