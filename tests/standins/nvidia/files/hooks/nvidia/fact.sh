# Change facts in a file: fact.sh FILE KEY=VALUE KEY=VALUE; "KEY" alone takes it out.
set -eu
file=$1
shift
[ -e "$file" ] || exit 0
# Services that start side by side both change it.
exec 9> "$file.lock"
flock 9
for change in "$@"; do
    grep -v "^${change%%=*}=" "$file" > "$file.new" || true
    case "$change" in *=*) echo "$change" >> "$file.new" ;; esac
    mv "$file.new" "$file"
done
