#!/bin/sh
# Runs a program inside a golden root file system: enter.sh ROOTFS UID PROGRAM [ARGUMENT...]
# Expects namespaces of its own (mount, pid, net); leaves nothing behind and changes nothing in the image.
set -eu
root=$1
uid=$2
shift 2
mount --make-rprivate /
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t proc proc "$root/proc"
for place in tmp run home dev; do mount -t tmpfs -o mode=1777 tmpfs "$root/$place"; done
for device in null zero random urandom; do
  : > "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/home/dev"
chown "$uid:$uid" "$root/home/dev"
exec chroot --userspec="$uid:$uid" "$root" /usr/bin/env --ignore-environment --chdir=/home/dev \
  PATH=/usr/local/bin:/usr/bin:/bin HOME=/home/dev LANG=C.UTF-8 GEMINI_CLI_NO_RELAUNCH=1 "$@"
