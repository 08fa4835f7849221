#!/bin/sh
# git for https remotes, if the base image has none. git's own scripts in Perl are not used here, so Perl's
# library and the manuals, which are larger than git, do not come along.
set -eu
if command -v git > /dev/null; then exit 0; fi
apt-get update -qq
apt-get install -qq -y --no-install-recommends git ca-certificates > /dev/null
dpkg --purge --force-depends git-man perl perl-modules-5.36 libperl5.36 liberror-perl > /dev/null 2>&1
rm -rf /var/lib/apt/lists/* /var/cache/apt/* /usr/share/doc/* /usr/share/man/*
git --version
