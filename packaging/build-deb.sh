#!/bin/sh
# Build a Debian package of this checkout: packaging/build-deb.sh [FOLDER]
#
# The package goes to FOLDER, by default dist/. It holds a Python environment of its own in /usr/lib/fluxsync,
# with what fluxsync needs from PyPI, and fits the system's Python of the release it is built on. No root needed.
#
# PYTHON       the Python that the package will run on   (/usr/bin/python3)
# COMPRESSION  gzip is faster to build                   (xz)
set -eu
umask 022

packaging=$(cd "$(dirname "$0")" && pwd)
checkout=$(dirname "$packaging")
output=${1:-$checkout/dist}
python=${PYTHON:-/usr/bin/python3}

fail() {
    echo "build-deb.sh: $1" >&2
    exit 2
}

command -v dpkg-deb >/dev/null || fail "there is no dpkg-deb: run it on Debian or Ubuntu"
[ -x "$python" ] || fail "there is no $python: set PYTHON"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "$python is older than 3.11"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
stage=$work/stage
environment=$stage/usr/lib/fluxsync
version=$(sed -n '1s/^fluxsync (\(.*\)) .*/\1/p' "$packaging/debian/changelog")
SOURCE_DATE_EPOCH=$(date -d "$(sed -n 's/^ -- .*>  //p' "$packaging/debian/changelog" | head -n 1)" +%s)
export SOURCE_DATE_EPOCH

# -- the program and what it needs ---------------------------------------------------------------------------

"$python" -m venv "$work/tools" >/dev/null || fail "$python makes no environment: apt-get install python3-venv"
"$python" -m venv --without-pip --symlinks "$environment"
pip() {
    "$work/tools/bin/python" -m pip --disable-pip-version-check --python "$environment/bin/python" "$@"
}
pip install --quiet --no-compile --no-warn-script-location "$checkout"
mkdir -p "$stage/usr/share/doc/fluxsync/examples"
pip list --format freeze >"$stage/usr/share/doc/fluxsync/dependencies.txt"

find "$environment/bin" -mindepth 1 ! -name 'python*' -delete
rm -rf "$environment/share" "$environment/include"
sed -i '/^command/d' "$environment/pyvenv.cfg"
find "$environment" \( -name direct_url.json -o -name INSTALLER -o -name REQUESTED \) -delete
find "$environment" -name __pycache__ -prune -exec rm -rf {} +
find "$environment/lib" -type f -exec chmod 644 {} +
cat >"$environment/bin/fluxsync" <<'END'
#!/usr/lib/fluxsync/bin/python -I
import sys

from fluxsync.cli.main import main

sys.exit(main())
END
chmod 755 "$environment/bin/fluxsync"
mkdir -p "$stage/usr/bin"
ln -s ../lib/fluxsync/bin/fluxsync "$stage/usr/bin/fluxsync"

# -- units, man page, completions, documents -----------------------------------------------------------------

put() {
    mkdir -p "$stage/$(dirname "$2")"
    install -m 644 "$packaging/$1" "$stage/$2"
}
put systemd/fluxsync.service usr/lib/systemd/user/fluxsync.service
put systemd/fluxsync@.service usr/lib/systemd/user/fluxsync@.service
put man/fluxsync.1 usr/share/man/man1/fluxsync.1
put completions/fluxsync.bash usr/share/bash-completion/completions/fluxsync
put completions/_fluxsync usr/share/zsh/vendor-completions/_fluxsync
put completions/fluxsync.fish usr/share/fish/vendor_completions.d/fluxsync.fish
put debian/changelog usr/share/doc/fluxsync/changelog.Debian
put debian/lintian-overrides usr/share/lintian/overrides/fluxsync
put ../CHANGELOG.md usr/share/doc/fluxsync/changelog
put ../README.md usr/share/doc/fluxsync/README.md
put ../config.example.toml usr/share/doc/fluxsync/examples/config.toml
gzip -9n "$stage/usr/share/man/man1/fluxsync.1" "$stage/usr/share/doc/fluxsync/changelog" \
    "$stage/usr/share/doc/fluxsync/changelog.Debian"
# The licence's text, as a field: indented, "." for empty lines, without title and copyright.
sed '1,/^Copyright/d; /./,$!d' "$checkout/LICENSE" | sed 's/^/ /; s/^ $/ ./' >"$work/licence"
sed -e "/@licence@/{r $work/licence" -e 'd}' "$packaging/debian/copyright" \
    >"$stage/usr/share/doc/fluxsync/copyright"

# -- the package ---------------------------------------------------------------------------------------------

if grep -rlF "$work" "$stage" >&2; then
    fail "these files name the folder that they were built in"
fi
chmod -R u+rwX,go+rX,go-w "$stage"
mkdir "$stage/DEBIAN"
architecture=$(dpkg --print-architecture)
series=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
following=$("$python" -c 'import sys; print("%d.%d" % (sys.version_info[0], sys.version_info[1] + 1))')
size=$(du -sk --exclude DEBIAN "$stage" | cut -f 1)
sed -e "s/@version@/$version/; s/@architecture@/$architecture/; s/@size@/$size/" \
    -e "s/@python@/$series/; s/@next_python@/$following/" "$packaging/debian/control" >"$stage/DEBIAN/control"
install -m 755 "$packaging/debian/postinst" "$packaging/debian/prerm" "$stage/DEBIAN/"
(cd "$stage" && find usr -type f -print0 | sort -z | xargs -0 md5sum) >"$stage/DEBIAN/md5sums"

mkdir -p "$output"
dpkg-deb --root-owner-group "-Z${COMPRESSION:-xz}" --build "$stage" \
    "$output/fluxsync_${version}_${architecture}.deb"
