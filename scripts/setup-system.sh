#!/bin/sh
# setup-system.sh GROUP…: install the Debian packages of the named groups, where that is allowed.
#
#   test     a MariaDB server, run by the tests as private instances
#   bench    a web server and the load generators that the engine is measured against
#   browser  a browser, for tests of pages
#
# Nothing of Syncline's own needs them, so nothing here is fatal: what could not be installed is
# said, and the exit status stays 0. No system service is started, now or at the next boot.
set -u

programs_of() {
    case $1 in
    test) echo "mariadbd" ;;
    bench) echo "nginx wrk ab h2load taskset" ;;
    browser) echo "chromium" ;;
    *) echo "setup-system.sh: no group $1; there are: test bench browser" >&2 && exit 2 ;;
    esac
}

package_of() {
    case $1 in
    mariadbd) echo "mariadb-server-core mariadb-client-core" ;; # the server without its service
    nginx) echo "nginx-light" ;;
    ab) echo "apache2-utils" ;;
    h2load) echo "nghttp2-client" ;;
    taskset) echo "util-linux" ;;
    *) echo "$1" ;;
    esac
}

PATH=$PATH:/usr/sbin:/sbin
missing= packages=
for group in "$@"; do
    programs=$(programs_of "$group") || exit $?
    for program in $programs; do
        command -v "$program" >/dev/null 2>&1 && continue
        missing="$missing $program"
        packages="$packages $(package_of "$program")"
    done
done
[ -n "$missing" ] || exit 0

give_up() {
    echo "Not on this machine:$missing. $1 What needs them says so when it runs."
    exit 0
}

as_root=
if ! command -v apt-get >/dev/null 2>&1; then
    give_up "This is no Debian, so they are yours to install."
elif [ "$(id -u)" -ne 0 ]; then
    sudo -n true 2>/dev/null || give_up "To install them: sudo apt-get install$packages."
    as_root="sudo -n"
fi

# policy-rc.d is Debian's own switch for "install, but start nothing". One that is there is kept.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    trap '$as_root rm -f $policy' EXIT
    trap 'exit 130' INT TERM
    printf '#!/bin/sh\nexit 101\n' | $as_root tee $policy >/dev/null && $as_root chmod 755 $policy ||
        give_up "A package's service could not be kept from starting, so nothing was installed."
fi

echo "Installing$packages (no service is started)."
install() {
    # shellcheck disable=SC2086 # a list of words is meant
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=120 \
        install --no-install-recommends $packages >/dev/null
}
install 2>/dev/null || { $as_root apt-get -qq update && install; } ||
    give_up "apt-get could not install them."

# The service of a package that came just now stays off at the next boot, too.
case $missing in
*nginx*)
    if command -v systemctl >/dev/null 2>&1; then
        $as_root systemctl --quiet disable nginx >/dev/null 2>&1
    elif command -v update-rc.d >/dev/null 2>&1; then
        $as_root update-rc.d nginx disable >/dev/null 2>&1
    fi
    ;;
esac
exit 0
