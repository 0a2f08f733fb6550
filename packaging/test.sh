#!/bin/bash
# Installs the .deb in a Debian of its own, as root: starts congad as its unit
# does, upgrades from a package of an older commit's commands, and purges it.
# Code 2 says that it cannot be done here. The Debian is made anew each time, of
# packages that apt's mirror has, and nothing is left of it.
#
# OLD is the older commit, KEEP=1 leaves the directory.
set -euo pipefail
cd "$(dirname "$0")/.."
OLD=${OLD:-967253e}
GO=${GO:-go}

cannot() { echo "package-test: $*" >&2; exit 2; }
[ "$(id -u)" = 0 ] || cannot "it needs root, for chroot"
command -v dpkg-deb >/dev/null || cannot "this is no Debian"
if ! command -v debootstrap >/dev/null; then
    apt-get install -y -qq --no-install-recommends debootstrap >/dev/null || cannot "debootstrap cannot be installed"
fi
git cat-file -e "$OLD^{commit}" 2>/dev/null || cannot "$OLD is not in this repository"

work=$(mktemp -d)
root=$work/root
daemon=
finish() {
    [ -z "$daemon" ] || kill "$daemon" 2>/dev/null || true
    for at in proc dev; do
        if mountpoint -q "$root/$at"; then umount -l "$root/$at"; fi
    done
    [ -n "${KEEP:-}" ] && echo "left in $work" || rm -rf "$work"
}
trap finish EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }
in_root() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"; }

echo "== two builds of $(git rev-parse --short HEAD) have the same bytes"
for copy in new again; do
    git clone -q --shared . "$work/clone-$copy"
    if [ -e web/dist/index.html ]; then cp -r web/dist/. "$work/clone-$copy/web/dist/"; fi
    OUT=$work/$copy "$work/clone-$copy/packaging/package.sh" >/dev/null
done
(cd "$work/new" && sha256sum ./*) | tee "$work/sums"
(cd "$work/again" && sha256sum --quiet -c "$work/sums") || fail "the packages differ"

echo "== a package of $OLD"
git -C "$work/clone-again" checkout -qf "$OLD"
(cd "$work/clone-again" && $GO build -trimpath -o "$work/old-bin/" ./cmd/congad ./cmd/conga)
OUT=$work/old VERSION=0.0.1 BINARIES=$work/old-bin "$work/clone-new/packaging/package.sh" >/dev/null

echo "== a Debian"
# shellcheck disable=SC1091
debootstrap --variant=minbase --include=ca-certificates "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$root" >"$work/debootstrap.log" 2>&1 ||
    cannot "debootstrap failed: $(tail -n 1 "$work/debootstrap.log")"
mount -t proc proc "$root/proc"
cp "$work"/old/*.deb "$root/old.deb"
cp "$work"/new/*.deb "$root/new.deb"
find "$root/etc" "$root/var/lib" "$root/usr" "$root/run" -xdev | sed "s#^$root##" | sort >"$work/before"

# start runs congad as the unit says: its user, its command line, and no
# privileges.
start() {
    local command user
    command=$(sed -n 's/^ExecStart=//p' "$root/usr/lib/systemd/system/congad.service")
    user=$(sed -n 's/^User=//p' "$root/usr/lib/systemd/system/congad.service")
    # shellcheck disable=SC2086
    unshare --net chroot "$root" /usr/bin/setpriv --reuid="$user" --regid="$user" --clear-groups \
        --bounding-set=-all --no-new-privs $command >"$work/log" 2>&1 &
    daemon=$!
    for _ in $(seq 300); do
        if grep -q "listening for switches" "$work/log"; then return; fi
        kill -0 "$daemon" 2>/dev/null || break
        sleep 0.1
    done
    cat "$work/log" >&2
    fail "congad did not start"
}
stop() {
    kill -TERM "$daemon"
    wait "$daemon" || fail "congad ended with code $?: $(tail -n 3 "$work/log")"
    daemon=
}

echo "== $OLD installs, and starts nothing"
in_root dpkg -i /old.deb >"$work/dpkg.log" 2>&1 || { cat "$work/dpkg.log"; fail "dpkg -i"; }
if pgrep --root "$root" congad 2>/dev/null || [ -e "$root/etc/systemd/system/multi-user.target.wants/congad.service" ]; then
    fail "something was started, or is to be at the next start"
fi
[ "$(in_root stat -c '%U:%G %a' /etc/conga/conga.yaml)" = "root:conga 640" ] || fail "the configuration's rights"
[ "$(in_root stat -c '%U:%G %a' /var/lib/conga)" = "conga:conga 700" ] || fail "the data directory's rights"
echo "log: {level: debug}   # an operator's own" >>"$root/etc/conga/conga.yaml"
start
stop
key=$(cat "$root/var/lib/conga/admin.key")
[ -s "$root/var/lib/conga/conga.db" ] || fail "$OLD has made no store"

echo "== an upgrade keeps data and configuration"
in_root dpkg -i --force-confold /new.deb >"$work/dpkg.log" 2>&1 || { cat "$work/dpkg.log"; fail "dpkg -i"; }
grep -q "an operator's own" "$root/etc/conga/conga.yaml" || fail "the configuration was replaced"
in_root /usr/bin/setpriv --reuid=conga --regid=conga --clear-groups /usr/bin/congad check --config /etc/conga/conga.yaml
in_root /usr/bin/congad --version
# The older command may have none to check its store with.
in_root /usr/bin/congad store check --data /var/lib/conga || fail "the store of $OLD"
start
stop
[ "$key" = "$(cat "$root/var/lib/conga/admin.key")" ] || fail "the admin's key is another one"
in_root /usr/bin/congad store check --data /var/lib/conga || fail "the store"
dpkg-deb -c "$work"/new/*.deb >"$work/contents"
for page in man1/conga.1 man8/congad.8 man5/conga.yaml.5; do
    # A minimal Debian may leave manual pages out.
    grep -q "/usr/share/man/$page.gz" "$work/contents" || fail "there is no $page"
done

echo "== removal keeps data and configuration, a purge leaves nothing"
in_root dpkg -r conga >>"$work/dpkg.log" 2>&1 || fail "dpkg -r"
[ -e "$root/var/lib/conga/conga.db" ] && [ -e "$root/etc/conga/conga.yaml" ] || fail "removal took data or configuration"
in_root dpkg -P conga >>"$work/dpkg.log" 2>&1 || fail "dpkg -P: $(tail -n 3 "$work/dpkg.log")"
find "$root/etc" "$root/var/lib" "$root/usr" "$root/run" -xdev | sed "s#^$root##" | sort >"$work/after"
# What dpkg and useradd keep for themselves.
left=$(comm -13 "$work/before" "$work/after" | grep -v -e '^/var/lib/dpkg/' -e '^/etc/\(passwd\|group\|shadow\|gshadow\|subuid\|subgid\)-$' || true)
[ -z "$left" ] || fail "left behind: $left"
if in_root getent passwd conga || in_root getent group conga; then fail "the user is left"; fi
echo "ok"
