#!/usr/bin/env bash
# fuzz.sh decoder|spill SECONDS: builds one of the libFuzzer targets of Tests/Fuzz, gives it what real servers sent (or what a
# spill file is made of) as a beginning, and lets it try for so long. Ends with an error, and leaves the input in .build-fuzz,
# when one crashes, hangs, leaks past the limit or asks for more memory than it is worth.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
name=$1 seconds=$2
case $name in decoder) target=DecoderFuzz ;; spill) target=SpillFuzz ;; *) echo 'fuzz.sh decoder|spill SECONDS' >&2; exit 2 ;; esac

build=.build-fuzz
TANDEM_FUZZ=1 swift build --sanitize=fuzzer --scratch-path "$build" --product "$target"
corpus=$build/corpus/$name
mkdir -p "$corpus"

# Streams as the target reads them: options, then each message behind its length. Also each message alone, and both ways to
# keep them, in memory and in small pieces.
decoder_seeds() {
    perl -e '
        my ($to, @files) = @ARGV;
        my $number = 0;
        sub seed { my ($options, @messages) = @_;
            open my $out, ">:raw", sprintf("%s/recorded-%d", $to, $number++) or die $!;
            print $out chr($options), map { pack("n", length $_) . $_ } @messages; }
        for my $file (@files) {
            open my $in, "<", $file or die $!;
            for my $stream (split /^-\n/m, do { local $/; <$in> }) {
                my @messages = map { pack "H*", $_ } split /\n/, $stream;
                @messages or next;
                seed($_, @messages) for 0, 3;
            }
        }' "$corpus" Tests/FuzzTests/Corpus/*.hex
}

# Nothing damaged, a byte damaged here and there, and frames that are frames.
spill_seeds() {
    perl -e 'my $to = shift; my $n = 0;
        for my $place (0, 3, 9, 20, 60, 100, 140, 400) { for my $bytes ("\0\0\0\0", "\1", "\xff" x 8) {
            open my $out, ">:raw", sprintf("%s/damage-%d", $to, $n++) or die $!; print $out "\0", pack("n", $place), $bytes; } }' "$corpus"
    local size
    for size in 1 300 5000; do
        head -c "$size" /dev/zero >"$corpus/plain"
        { printf '\001'; printf "\\x$(printf %02x $((size / 256)))\\x$(printf %02x $((size % 256)))"
          lz4 -q -c -B5 -BI -BX --content-size "$corpus/plain"; } >"$corpus/frame-$size"
        rm "$corpus/plain"
    done
}

"$name"_seeds
status=0
"$(swift build --scratch-path "$build" --show-bin-path)/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 \
    -malloc_limit_mb=128 -max_len=65536 -print_final_stats=1 -artifact_prefix="$build/" "$corpus" >"$build/$name.log" 2>&1 || status=$?
inputs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/$name.log")
peak=$(sed -n 's/^stat::peak_rss_mb: *//p' "$build/$name.log")
covered=$(grep -oE 'cov: [0-9]+' "$build/$name.log" | tail -n 1)
if [ "$status" -ne 0 ]; then
    tail -n 60 "$build/$name.log" >&2
    grep -E 'SUMMARY|ERROR|Test unit written' "$build/$name.log" >&2 || true
    exit 1
fi
# In the words of a test run, so that continuous integration's summary shows it.
echo "Test run with ${inputs:-0} inputs for $name passed after $seconds seconds (${covered:-cov: ?}, peak ${peak:-?} MB)."
