#!/bin/sh
# tests/demux/make_media.sh DIR — the small media the demuxer's tests read, made once per build folder. A lock and a
# stamp let several test programs ask at the same time.
set -eu
dir=$1
mkdir -p "$dir"
exec 9>"$dir/lock"
flock 9
stamp="$dir/stamp.$(cksum <"$0" | cut -d' ' -f1)"
[ -e "$stamp" ] && exit 0

run() {
    ffmpeg -nostdin -v error -y -threads 2 -f lavfi -i "testsrc2=size=320x180:rate=25,noise=alls=10:allf=t" \
        -f lavfi -i "anoisesrc=color=pink:sample_rate=48000:seed=7,aformat=channel_layouts=stereo" -t 5.1 "$@"
}
h264='-c:v libx264 -preset veryfast -g 25 -keyint_min 25 -sc_threshold 0 -bf 2 -x264-params b-pyramid=normal:threads=1'
aac='-c:a aac -aac_pns 0 -b:a 64k'
opus='-c:a libopus -b:a 48k'

mkdir -p "$dir/dash" "$dir/hls" "$dir/ts" "$dir/webm" "$dir/whole" "$dir/codecs"
# Two rungs and sound; segments of 2 s, the last one short.
(cd "$dir/dash" && run -map 0:v -map 0:v -map 1:a $h264 $aac -s:v:0 160x90 -b:v:0 120k -b:v:1 250k \
    -adaptation_sets 'id=0,streams=v id=1,streams=a' -use_template 1 -use_timeline 1 -seg_duration 2 -f dash out.mpd)
# Sound and pictures in the same segments.
(cd "$dir/hls" && run -map 0:v -map 1:a $h264 $aac -s 160x90 -hls_segment_type fmp4 -hls_time 2 \
    -hls_playlist_type vod -hls_fmp4_init_filename init.mp4 -hls_segment_filename 'seg%d.m4s' out.m3u8)
(cd "$dir/ts" && run -map 0:v -map 1:a $h264 $aac -s 160x90 -hls_time 2 -hls_playlist_type vod \
    -hls_segment_filename 'seg%d.ts' out.m3u8)
(cd "$dir/webm" && run -map 0:v -map 1:a -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 50 -s 160x90 $opus \
    -dash_segment_type webm -use_template 1 -use_timeline 1 -seg_duration 2 \
    -init_seg_name 'init$RepresentationID$.webm' -media_seg_name 'seg$RepresentationID$-$Number$.webm' -f dash out.mpd)
# One file each.
both="-map 0:v -map 1:a $h264 $aac -s 160x90"
run $both -movflags frag_keyframe+empty_moov+default_base_moof "$dir/whole/fragmented.mp4"
run $both -movflags frag_keyframe+empty_moov -frag_interleave 4 "$dir/whole/interleaved.mp4"
run $both -movflags frag_keyframe+empty_moov+omit_tfhd_offset "$dir/whole/implicit_base.mp4"
run $both -movflags frag_keyframe+empty_moov+default_base_moof+negative_cts_offsets "$dir/whole/negative_cts.mp4"
run $both -movflags +faststart "$dir/whole/plain.mp4"
run $both "$dir/whole/moov_last.mp4"
run $both "$dir/whole/plain.mkv"
run $both "$dir/whole/plain.ts"
run -map 1:a $aac -f adts "$dir/whole/plain.aac"
run -map 1:a -c:a libmp3lame -b:a 64k -write_xing 0 "$dir/whole/plain.mp3"
run -map 1:a -c:a ac3 -b:a 96k "$dir/whole/plain.ac3"
run -map 1:a -c:a eac3 -b:a 96k "$dir/whole/plain.eac3"
# Codecs, each in a fragmented file.
frag='-movflags frag_keyframe+empty_moov+default_base_moof+delay_moov -frag_duration 1000000'
run -map 0:v -c:v libx265 -preset ultrafast -x265-params log-level=none:pools=none -g 25 -s 160x90 $frag \
    "$dir/codecs/hevc.mp4"
run -map 0:v -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 25 -s 160x90 $frag "$dir/codecs/vp9.mp4"
for a in libopus flac ac3 eac3 libmp3lame; do
    run -map 1:a -c:a "$a" -strict -2 $frag "$dir/codecs/$a.mp4"
done
run -map 0:v -c:v libsvtav1 -preset 12 -g 25 -s 160x90 -t 1 $frag "$dir/codecs/av1.mp4" 2>"$dir/av1.log"
# What the picture's header says beside the codec.
one="-map 0:v -frames:v 10 -c:v libx264 -preset ultrafast -s 160x90"
run $one -vf setsar=4/3 $frag "$dir/codecs/anamorphic.mp4"
run $one "$dir/codecs/upright.mp4"
for angle in 90 180 270; do
    # The tag counts against the clock, the name with it.
    ffmpeg -nostdin -v error -y -i "$dir/codecs/upright.mp4" -c copy -metadata:s:v rotate=$((360 - angle)) $frag \
        "$dir/codecs/rotated$angle.mp4"
done
ffmpeg -nostdin -v error -y -i "$dir/codecs/rotated90.mp4" -c copy "$dir/codecs/rotated90_plain.mp4"
run $one $frag -encryption_scheme cenc-aes-ctr -encryption_key 00112233445566778899aabbccddeeff \
    -encryption_kid 0123456789abcdef0123456789abcdef "$dir/codecs/encrypted.mp4"
# Less than 8 KiB with pictures and sound, for cutting at every byte.
ffmpeg -nostdin -v error -y -f lavfi -i testsrc=size=32x32:rate=10 -f lavfi -i sine=sample_rate=16000 -t 0.6 \
    -c:v libx264 -preset ultrafast -g 3 -bf 0 -threads 1 -c:a aac -b:a 16k \
    -movflags frag_keyframe+empty_moov+default_base_moof "$dir/whole/tiny.mp4"
: >"$stamp"
