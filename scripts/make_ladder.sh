#!/usr/bin/env bash
# make_ladder.sh — makes the media that Weir is tested and shown with: a synthetic source (motion,
# noise of changing strength, a burnt-in frame counter, sound), encoded once per rung, and packaged
# with -c copy in every way the player must read. Needs ffmpeg, python3 and a DejaVu font.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: scripts/make_ladder.sh [--small|--full] [--duration S] [--only NAME,…] [--jobs N] OUTDIR

  --full        five rungs, 320x180 to 1920x1080, 60 s (default)
  --small       three rungs, 160x90 to 480x270, 12 s: for tests, seconds to build
  --duration S  whole seconds of media, even, at least 10
  --only LIST   these packagings alone: dash-number dash-timeline dash-list dash-sidx
                dash-multiperiod dash-uneven hls-fmp4 hls-ts hls-byterange hls-audio-group
  --jobs N      threads for the filters (default: all cores); each rung's encoder has one of its own

OUTDIR gets one folder per packaging (manifest.mpd or master.m3u8 inside) and rungs/: v0.mp4 …,
a0.mp4, a1.mp4, each rung's coded frames as a plain file, the reference for every packaging.
What exists already and was made with the same settings is kept.
TEXT
}

die() {
    echo "make_ladder.sh: $*" >&2
    exit 2
}

here=$(cd "$(dirname "$0")" && pwd)
all="dash-number dash-timeline dash-list dash-sidx dash-multiperiod dash-uneven hls-fmp4 hls-ts hls-byterange hls-audio-group"
variant=full duration= only= jobs=$(nproc) out=
while [ $# -gt 0 ]; do
    case $1 in
    --small | --full) variant=${1#--} ;;
    --duration | --only | --jobs)
        [ $# -ge 2 ] || die "$1: a value is missing"
        case $1 in
        --duration) duration=$2 ;;
        --only) only=${2//,/ } ;;
        --jobs) jobs=$2 ;;
        esac
        shift
        ;;
    -h | --help)
        usage
        exit 0
        ;;
    -*) die "$1: unknown option" ;;
    *)
        [ -z "$out" ] || die "$1: one OUTDIR only"
        out=$1
        ;;
    esac
    shift
done
[ -n "$out" ] || { usage >&2; exit 2; }

# A rung is WIDTHxHEIGHT:KBIT_S; the last is the source's size.
fps=25
if [ "$variant" = small ]; then
    rungs=(160x90:150 320x180:400 480x270:900)
    duration=${duration:-12}
else
    rungs=(320x180:300 640x360:900 960x540:1900 1280x720:3600 1920x1080:6500)
    duration=${duration:-60}
fi
audio_kbps=(64 128)
[[ $duration =~ ^[0-9]+$ && $duration -ge 10 && $((duration % 2)) -eq 0 ]] ||
    die "--duration $duration: need an even number of seconds, 10 or more"
[[ $jobs =~ ^[1-9][0-9]*$ ]] || die "--jobs $jobs: need a number of threads"
for name in $only; do
    case " $all " in *" $name "*) ;; *) die "--only $name: no such packaging" ;; esac
done
for tool in ffmpeg python3 fc-match; do
    command -v "$tool" >/dev/null || die "$tool is not installed (scripts/deps.sh installs it)"
done
font=$(fc-match --format='%{file}' 'DejaVu Sans Mono:style=Bold')
case $font in *DejaVu*) ;; *) die "no DejaVu font found (package fonts-dejavu-core)" ;; esac

mkdir -p "$out"
out=$(cd "$out" && pwd)
settings=$( (cat "$0" "$here/package_dash.py"; echo "$variant $duration ${rungs[*]}") | sha256sum | cut -d' ' -f1)
ff=(ffmpeg -nostdin -hide_banner -loglevel error -y)
say() { printf 'make_ladder: %s\n' "$*"; }

# build NAME FUNCTION: run FUNCTION with a fresh folder, and move it into place only when complete,
# so that an interrupted run leaves nothing half made.
build() {
    local name=$1 step=$2 tmp="$out/.tmp-$1" began=$SECONDS
    if [ "$(cat "$out/$name/.stamp" 2>/dev/null)" = "$settings" ]; then
        say "$name: kept"
        return
    fi
    rm -rf "$tmp"
    mkdir -p "$tmp"
    (cd "$tmp" && "$step")
    echo "$settings" >"$tmp/.stamp"
    rm -rf "${out:?}/$name"
    mv "$tmp" "$out/$name"
    say "$name: made in $((SECONDS - began)) s"
}

# Key frames every 2 s in all rungs, and two more in every 8 s for segments of uneven length.
keyframes='expr:not(mod(n,50))+eq(mod(n,200),80)+eq(mod(n,200),190)'

make_rungs() {
    local last=${rungs[-1]%%:*} n=${#rungs[@]} i
    local w=${last%x*} h=${last#*x}
    # Two layers in motion; noise always, and much more of it for 3 s of every 7: the bit rate must vary.
    # The threads of one noise filter share its generator: with one each, every run makes the same pictures.
    local graph="testsrc2=size=${last}:rate=$fps:duration=$duration[a];
life=size=$((w / 4))x$((h / 4)):rate=$fps:mold=10:ratio=0.3:seed=7:death_color=#C83232:life_color=#00ff00,scale=$((w / 2)):$((h / 2)):flags=neighbor,format=yuv420p[b];
[a][b]overlay=x='(W-w)/2+(W-w)/2*sin(t)':y='(H-h)/2+(H-h)/2*cos(1.3*t)':shortest=1,
noise=alls=6:allf=t:all_seed=1:threads=1,noise=alls=28:allf=t:all_seed=2:threads=1:enable='lt(mod(t,7),3)',
drawtext=fontfile=$font:text='%{eif\\:n\\:d\\:6}':fontcolor=white:fontsize=$((h / 5)):box=1:boxcolor=black:boxborderw=$((h / 36)):x=$((w / 20)):y=$((h / 20)),
format=yuv420p,split=$n"
    for ((i = 0; i < n; i++)); do graph+="[s$i]"; done
    for ((i = 0; i < n; i++)); do
        local size=${rungs[i]%%:*}
        graph+=";[s$i]scale=${size%x*}:${size#*x}:flags=area[v$i]"
    done
    # One thread per encoder: with more, x264's rate control makes other choices in every run.
    local args=()
    for ((i = 0; i < n; i++)); do
        local kbps=${rungs[i]##*:}
        args+=(-map "[v$i]" -c:v libx264 -preset veryfast -profile:v high -threads 1
            -b:v "${kbps}k" -maxrate "$((kbps * 3 / 2))k" -bufsize "$((kbps * 2))k"
            -g 250 -sc_threshold 0 -bf 3 -force_key_frames "$keyframes" -movie_timescale 48000 "v$i.mp4")
    done
    "${ff[@]}" -filter_complex_threads "$jobs" -filter_complex "$graph" "${args[@]}"
    # Whole AAC frames only, so that no packaging has to say where the last one ends.
    local samples=$((duration * 48000 / 1024 * 1024))
    local left="0.25*sin(2*PI*(220+55*mod(floor(t),8))*t)" right="0.25*sin(2*PI*(330+44*mod(floor(t*2),12))*t)"
    for ((i = 0; i < ${#audio_kbps[@]}; i++)); do
        "${ff[@]}" -f lavfi -i "aevalsrc='$left|$right':s=48000:d=$((duration + 1))" \
            -f lavfi -i "anoisesrc=r=48000:amplitude=0.08:seed=5:d=$((duration + 1))" \
            -filter_complex "[1]aformat=channel_layouts=stereo[n];[0][n]amix=inputs=2:normalize=0,atrim=end_sample=$samples" \
            -c:a aac -aac_pns 0 -b:a "${audio_kbps[i]}k" -movie_timescale 48000 "a$i.mp4"
    done
}

# The rungs as fragmented MP4, a fragment per key frame (video) or per second (audio): what
# package_dash.py groups into segments.
make_fragments() {
    local i
    for ((i = 0; i < ${#rungs[@]}; i++)); do
        "${ff[@]}" -i "$out/rungs/v$i.mp4" -c copy -movie_timescale 48000 \
            -movflags +frag_keyframe+delay_moov+default_base_moof "v$i.mp4"
    done
    for ((i = 0; i < ${#audio_kbps[@]}; i++)); do
        "${ff[@]}" -i "$out/rungs/a$i.mp4" -c copy -movie_timescale 48000 -frag_duration 1000000 \
            -movflags +delay_moov+default_base_moof "a$i.mp4"
    done
}

# hls_muxer muxed|groups OPTIONS…: with sound inside each variant, and one variant of sound alone, as
# broadcasters have it; or with sound in groups.
hls_muxer() {
    local layout=$1 inputs=() maps=() map= i
    shift
    for ((i = 0; i < ${#rungs[@]}; i++)); do inputs+=(-i "$out/rungs/v$i.mp4"); done
    local a=${#rungs[@]}
    inputs+=(-i "$out/rungs/a0.mp4" -i "$out/rungs/a1.mp4")
    if [ "$layout" = muxed ]; then
        for ((i = 0; i < ${#rungs[@]}; i++)); do
            maps+=(-map $i:v -map $((a + 1)):a)
            map+="v:$i,a:$i,name:r$i "
        done
        maps+=(-map $a:a)
        map+="a:${#rungs[@]},name:sound "
    else
        maps+=(-map $a:a -map $((a + 1)):a)
        map="a:0,agroup:low,default:yes,language:en,name:a0 a:1,agroup:high,default:yes,language:en,name:a1 "
        for ((i = 0; i < ${#rungs[@]}; i++)); do
            maps+=(-map $i:v)
            map+="v:$i,agroup:$([ $i -lt $((${#rungs[@]} / 2)) ] && echo low || echo high),name:r$i "
        done
    fi
    "${ff[@]}" "${inputs[@]}" "${maps[@]}" -c copy -f hls -hls_time 2 -hls_playlist_type vod \
        -master_pl_name master.m3u8 -var_stream_map "${map% }" "$@"
}

make_dash_timeline() { # ffmpeg's own DASH muxer, which cuts sound where pictures were cut
    local inputs=() maps=() i k=0
    for ((i = 0; i < ${#rungs[@]}; i++)); do
        inputs+=(-i "$out/rungs/v$i.mp4") maps+=(-map $k:v)
        k=$((k + 1))
    done
    for ((i = 0; i < ${#audio_kbps[@]}; i++)); do
        inputs+=(-i "$out/rungs/a$i.mp4") maps+=(-map $k:a)
        k=$((k + 1))
    done
    "${ff[@]}" "${inputs[@]}" "${maps[@]}" -c copy -f dash -seg_duration 2 \
        -adaptation_sets "id=0,streams=v id=1,streams=a" -use_template 1 -use_timeline 1 \
        -init_seg_name 'init-$RepresentationID$.mp4' -media_seg_name 'seg-$RepresentationID$-$Time$.m4s' \
        manifest.mpd
    # Its first name for sound carries the priming's negative time, but the manifest says 0.
    for ((i = ${#rungs[@]}; i < k; i++)); do mv "seg-$i--1024.m4s" "seg-$i-0.m4s"; done
}
make_dash_number() { python3 "$here/package_dash.py" number "$out/fragments" .; }
make_dash_list() { python3 "$here/package_dash.py" list "$out/fragments" .; }
make_dash_sidx() { python3 "$here/package_dash.py" sidx "$out/fragments" .; }
make_dash_multiperiod() { python3 "$here/package_dash.py" multiperiod "$out/fragments" .; }
make_dash_uneven() { python3 "$here/package_dash.py" uneven "$out/fragments" .; }
make_hls_fmp4() {
    hls_muxer muxed -hls_segment_type fmp4 -hls_fmp4_init_filename 'init-%v.mp4' \
        -hls_segment_filename 'seg-%v-%d.m4s' 'media-%v.m3u8'
}
make_hls_ts() { hls_muxer muxed -hls_segment_type mpegts -hls_segment_filename 'seg-%v-%d.ts' 'media-%v.m3u8'; }
make_hls_byterange() {
    hls_muxer groups -hls_segment_type fmp4 -hls_flags single_file \
        -hls_segment_filename 'all-%v.m4s' 'media-%v.m3u8'
}
make_hls_audio_group() {
    hls_muxer groups -hls_segment_type fmp4 -hls_fmp4_init_filename 'init-%v.mp4' \
        -hls_segment_filename 'seg-%v-%d.m4s' 'media-%v.m3u8'
}

build rungs make_rungs
build fragments make_fragments
for name in ${only:-$all}; do
    build "$name" "make_${name//-/_}"
done
