#!/bin/sh
# The first process of a machine, in namespaces of its own: what it starts, mounts and writes goes with it.
# machine-init.sh NAME FOLDER; FOLDER has corosync.conf, authkey, hosts, cib.xml and the agents in ocf/.
set -eu
name=$1
folder=$2

hostname "$name"
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs -o mode=755 tmpfs /var/log
mount -t tmpfs -o mode=755 tmpfs /var/lib/corosync
mount -t tmpfs -o mode=755 tmpfs /var/lib/pacemaker
mount -t tmpfs -o mode=755 tmpfs /etc/corosync
mount --bind "$folder/hosts" /etc/hosts
# The agents of this checkout, beside those of the packages.
mount -t overlay -o "lowerdir=$folder/ocf:/usr/lib/ocf/resource.d" overlay /usr/lib/ocf/resource.d

mkdir -p /run/lock /run/tmp /run/corosync /var/log/corosync /var/log/crmsh /etc/corosync/uidgid.d
install -d -m 1755 /run/resource-agents
install -d -o hacluster -g haclient -m 750 /run/crm
install -d -o hacluster -g haclient -m 770 /var/log/pacemaker
for part in blackbox cib cores pengine; do
	install -d -o hacluster -g haclient -m 750 "/var/lib/pacemaker/$part"
done
install -o hacluster -g haclient -m 600 "$folder/cib.xml" /var/lib/pacemaker/cib/cib.xml
install -m 644 "$folder/corosync.conf" /etc/corosync/corosync.conf
install -m 400 "$folder/authkey" /etc/corosync/authkey

export HOME=/run TMPDIR=/run/tmp
corosync -f >/var/log/corosync.out 2>&1 &
tries=0
until corosync-cfgtool -s >/dev/null 2>&1; do
	tries=$((tries + 1))
	if [ "$tries" -gt 200 ]; then
		cat /var/log/corosync.out >&2
		exit 1
	fi
	sleep 0.1
done
PCMK_logfacility=none PCMK_logfile=/var/log/pacemaker/pacemaker.log \
	pacemakerd -f >/var/log/pacemakerd.out 2>&1 &
# Whose parent has ended becomes a child of this one, and a shell that waits takes note of its end.
while :; do
	sleep 3600 &
	wait "$!" || true
done
