#!/usr/bin/env python3
"""Bad input: each kind ends with its exit code and one line that names the place, or is played over."""
import json
import os
import re
import shutil
import struct
import subprocess

import weir_e2e as e2e
from bad_server import Answer, BadServer, closed_port
from weir_e2e import check, ended_well, equal, refused, weir

MPD = "dash-number/manifest.mpd"
SEGMENT_2 = r"/dash-number/v\d-2\.m4s"


def play(url, *options, **kwargs):
    return weir("play", "--headless", "--untimed", *options, url, **kwargs)


def media(path):
    with open(os.path.join(e2e.ARGS.media, path), "rb") as f:
        return f.read()


def serving(answers=None, **kwargs):
    return BadServer(e2e.ARGS.media, answers, **kwargs)


def text_of(path):
    return media(path).decode()


# --- the manifest -----------------------------------------------------------------------------------


@e2e.case
def a_host_that_refuses(_):
    port = closed_port()
    refused(play(f"http://127.0.0.1:{port}/x.mpd"), 3, f"127.0.0.1:{port}")


@e2e.case
def a_host_that_does_not_exist(_):
    refused(play("http://no-such-host.invalid/x.mpd"), 3, "no-such-host.invalid")


@e2e.case
def a_file_that_does_not_exist(_):
    refused(play("/nonexistent/x.mpd"), 3, "/nonexistent/x.mpd")


@e2e.case
def a_folder_instead_of_a_file(folder):
    refused(play(folder), 3, os.path.basename(folder))


@e2e.case
def a_scheme_that_is_not_for_media(_):
    refused(play("ftp://127.0.0.1/x.mpd"), 4, "ftp")


def certificate(folder):
    path = os.path.join(folder, "self-signed.pem")
    run = subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                          "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", path + ".key", "-out",
                          path], capture_output=True, check=False)
    if run.returncode != 0:
        raise e2e.Skip("openssl cannot make a certificate")
    with open(path, "ab") as f, open(path + ".key", "rb") as key:
        f.write(key.read())
    return path


@e2e.case
def a_certificate_that_nobody_signed(folder):
    pem = certificate(folder)
    with serving(certificate=pem) as server:
        refused(play(server.url + MPD), 3, "127.0.0.1", "certificate|TLS|SSL")
        ended_well(play(server.url + MPD, "--insecure", "--rung", 0))
        ended_well(play(server.url + MPD, "--ca-file", pem, "--rung", 0))


def status_of_manifest(status, _):
    with serving({"/x.mpd": Answer(status, b"no\n", "text/plain")}) as server:
        refused(play(server.url + "x.mpd"), 3, "x.mpd", str(status))


for code in (403, 404, 410, 500, 503):
    e2e.add_case(f"a manifest with status {code}", status_of_manifest, code)


def refused_manifest(body, content_type, places, _):
    with serving({"/x.mpd": Answer(200, body, content_type)}) as server:
        refused(play(server.url + "x.mpd"), 3, "x.mpd", *places)
        refused(weir("inspect", server.url + "x.mpd"), 3, "x.mpd", *places)


XML = "application/dash+xml"
HTML = b"<!DOCTYPE html>\n<html><head><title>Log in</title></head><body>Hello</body></html>\n"
BOMB = (b'<?xml version="1.0"?><!DOCTYPE MPD [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
        b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" id="&c;"/>')
XXE = (b'<?xml version="1.0"?><!DOCTYPE MPD [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
       b'<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period id="&x;"/></MPD>')
for name, body, kind, places in (
        ("HTML instead of a manifest", HTML, "text/html", ()),
        ("HTML that claims to be a manifest", HTML, XML, ()),
        ("an empty manifest", b"", XML, ()),
        ("white space instead of a manifest", b" \n\n", XML, ()),
        ("noise instead of a manifest", bytes(range(256)) * 8, XML, ()),
        ("another XML document", b'<?xml version="1.0"?><rss version="2.0"/>', XML, ()),
        ("an MPD without periods", b'<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"/>', XML, ()),
        ("a DOCTYPE with entities", BOMB, XML, ("DOCTYPE",)),
        ("a DOCTYPE with an external entity", XXE, XML, ("DOCTYPE",)),
        ("a playlist of nothing", b"#EXTM3U\n", "application/vnd.apple.mpegurl", ()),
):
    e2e.add_case(name, refused_manifest, body, kind, places)


@e2e.case
def an_mpd_cut_short_anywhere(_):
    whole = media(MPD)
    # From each tenth on: never taken for a whole one.
    for end in range(40, len(whole) - 10, len(whole) // 10):
        with serving({"/x.mpd": Answer(200, whole[:end], XML)}) as server:
            refused(play(server.url + "x.mpd"), 3, "x.mpd")


@e2e.case
def a_manifest_whose_transfer_breaks_off(_):
    whole = media(MPD)
    with serving({"/x.mpd": Answer(200, whole[:500], XML, declared=len(whole))}) as server:
        refused(play(server.url + "x.mpd", timeout=90), 3, "x.mpd")


@e2e.case
def a_manifest_without_end(_):
    def forever():
        yield b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011">'
        for _ in range(4096):
            yield b"<!-- " + b"x" * 65520 + b" -->"
    with serving({"/x.mpd": Answer(200, content_type=XML, chunks=forever)}) as server:
        refused(play(server.url + "x.mpd"), 3, "x.mpd")


@e2e.case
def xml_nested_beyond_all_reason(_):
    body = b'<MPD xmlns="urn:mpeg:dash:schema:mpd:2011">' + b"<a>" * 200000
    with serving({"/x.mpd": Answer(200, body, XML)}) as server:
        refused(play(server.url + "x.mpd"), 3, "x.mpd")


@e2e.case
def redirects_in_a_circle(_):
    answers = {"/a": Answer(302, headers=[("Location", "/b")]), "/b": Answer(302, headers=[("Location", "/a")])}
    with serving(answers) as server:
        refused(play(server.url + "a"), 3, "/a", "redirect")


@e2e.case
def a_redirect_to_a_file(_):
    with serving({"/a": Answer(302, headers=[("Location", "file:///etc/passwd")])}) as server:
        refused(play(server.url + "a"), 3, "/a")


@e2e.case
def a_remote_manifest_that_names_local_files(_):
    folder = e2e.ARGS.media
    mpd = text_of(MPD).replace("<Period id", f"<BaseURL>file://{folder}/dash-number/</BaseURL><Period id", 1)
    with serving({"/x.mpd": Answer(200, mpd.encode(), XML)}) as server:
        run = play(server.url + "x.mpd")
        check(run.returncode in (3, 5), f"exit {run.returncode}")
        refused(run, run.returncode, "file:|BaseURL")


# --- counts of four thousand million ----------------------------------------------------------------


@e2e.case
def a_timeline_that_repeats_four_thousand_million_times(folder):
    """Legal where the period ends it; and where nothing does, it opens all the same, costs no memory, and plays
    until the files end."""
    path = os.path.join(folder, "frames")
    bounded = text_of("dash-timeline/manifest.mpd").replace('r="5"', 'r="4000000000"')
    check("4000000000" in bounded, "the manifest is not what this test thinks")
    endless = re.sub(r'mediaPresentationDuration="[^"]*"', "", bounded)
    with serving({"/dash-timeline/x.mpd": Answer(200, bounded.encode(), XML)}) as server:
        ended_well(play(server.url + "dash-timeline/x.mpd", "--rung", 0, "--framemd5", path))
        e2e.same_list(e2e.FrameMd5(path).md5, e2e.reference_frames(0), "frames")
    with serving({"/dash-timeline/x.mpd": Answer(200, endless.encode(), XML)}) as server:
        refused(play(server.url + "dash-timeline/x.mpd", "--rung", 0, "--framemd5", path), 5, "seg-", "404")
        e2e.same_list(e2e.FrameMd5(path).md5, e2e.reference_frames(0), "frames")


@e2e.case
def a_segment_with_four_thousand_million_samples(_):
    def bad(path):
        data = bytearray(media(path.lstrip("/")))
        at = data.find(b"trun")
        while at >= 0:  # in every fragment: one that is whole would rightly be played
            data[at + 8:at + 12] = struct.pack(">I", 4000000000)
            at = data.find(b"trun", at + 12)
        return Answer(200, bytes(data))
    with serving({r"/dash-number/v\d-\d+\.m4s": bad}) as server:
        refused(play(server.url + MPD), 5, r"\.m4s")


@e2e.case
def an_index_of_four_thousand_million_segments(_):
    """sidx holds a 16-bit count, so the byte range claims them: refused, not allocated."""
    mpd = text_of("dash-sidx/manifest.mpd")
    first = mpd.index('indexRange="') + len('indexRange="')
    dash = mpd.index("-", first)
    end = mpd.index('"', dash)
    mpd = mpd[:dash + 1] + "4000000000" + mpd[end:]
    with serving({"/dash-sidx/x.mpd": Answer(200, mpd.encode(), XML)}) as server:
        run = play(server.url + "dash-sidx/x.mpd", "--rung", 0)
        check(run.returncode in (0, 3, 5), f"exit {run.returncode}")  # the file is shorter: clamped is fine too


# --- segments ---------------------------------------------------------------------------------------


@e2e.case
def init_segments_that_are_missing(_):
    with serving({r"/dash-number/v\d-init\.mp4": Answer(404, b"no\n")}) as server:
        refused(play(server.url + MPD), 5, r"init\.mp4", "404")


@e2e.case
def one_init_segment_that_is_missing_is_no_end(folder):
    """The next rung plays."""
    path = os.path.join(folder, "frames")
    with serving({"/dash-number/v2-init.mp4": Answer(404, b"no\n")}) as server:
        ended_well(play(server.url + MPD, "--abr", "fixed:rung=2", "--framemd5", path))
    equal(len(e2e.FrameMd5(path).md5), 300, "frames")


@e2e.case
def every_segment_is_missing(_):
    with serving({r"/dash-number/v\d-\d+\.m4s": Answer(404, b"no\n")}) as server:
        refused(play(server.url + MPD), 5, r"\.m4s", "404")


@e2e.case
def the_second_half_is_missing(folder):
    """What there is, is played; then a clear end."""
    path = os.path.join(folder, "frames")
    with serving({r"/dash-number/[va]\d-[456]\.m4s": Answer(404, b"no\n")}) as server:
        refused(play(server.url + MPD, "--rung", 1, "--framemd5", path), 5, r"-4\.m4s", "404")
    e2e.same_list(e2e.FrameMd5(path).md5, e2e.reference_frames(1)[:150], "frames before the end")


def plays_over(answers, folder, min_right, *options):
    """Playback goes on: exit 0, an event says what happened, and the other segments' frames are right."""
    path, events = os.path.join(folder, "frames"), os.path.join(folder, "events")
    with serving(answers) as server:
        ended_well(play(server.url + MPD, "--rung", 1, "--framemd5", path, "--events", events, *options))
    out, reference = e2e.FrameMd5(path), e2e.reference_frames(1)
    by_time = dict(zip(out.pts, out.md5))
    for i in list(range(50)) + list(range(100, 300)):
        check(by_time.get(i * 40000) == reference[i], f"frame {i}, outside the bad segment, is not right")
    check(all(a < b for a, b in zip(out.pts, out.pts[1:])), "frames out of order or doubled")
    right = sum(by_time.get(i * 40000) == reference[i] for i in range(50, 100))
    check(right >= min_right, f"{right} right frames within the bad segment, want {min_right}")
    named = [e for e in e2e.read_events(events) if e["event"] in ("warning", "error", "retry", "failover")]
    check(named, "no event says what happened")


def corrupted(path):
    data = bytearray(media(path.lstrip("/")))
    middle = len(data) // 2
    for i in range(middle, middle + 400):
        data[i] ^= 0x5A
    return Answer(200, bytes(data))


@e2e.case
def corrupted_bytes_amid_a_segment(folder):
    # One thread: with more, libavcodec 59 hands pictures on before it marks that it concealed errors in them.
    plays_over({SEGMENT_2: corrupted}, folder, 10, "--threads", 1)


@e2e.case
def a_segment_without_bytes(folder):
    plays_over({SEGMENT_2: Answer(200, b"")}, folder, 0)


@e2e.case
def a_segment_of_noise(folder):
    plays_over({SEGMENT_2: Answer(200, bytes((i * 7919) >> 3 & 255 for i in range(20000)))}, folder, 0)


def box_boundaries(data, start=0, end=None):
    """The offset of every box at every level, and where its body begins."""
    pos, end = start, len(data) if end is None else end
    while pos + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, pos)
        yield pos
        yield pos + 8
        if kind in (b"moof", b"traf"):
            yield from box_boundaries(data, pos + 8, pos + size)
        pos += size


@e2e.case
def a_segment_cut_at_every_box_boundary(folder):
    """Every rung's second segment ends there, as a well-formed response. The first segment's frames are
    right and what remains either plays or ends with the place; never a crash, never a hang."""
    whole = media("dash-number/v1-2.m4s")
    cuts = sorted(set(box_boundaries(whole)) - {0})
    check(len(cuts) > 8, f"boundaries {cuts}")
    for cut in cuts:
        path = os.path.join(folder, f"frames{cut}")
        with serving({SEGMENT_2: lambda p, c=cut: Answer(200, media(p.lstrip("/"))[:c])}) as server:
            run = play(server.url + MPD, "--rung", 1, "--framemd5", path)
        if run.returncode != 0:
            refused(run, 5, r"-2\.m4s")
        e2e.same_list(e2e.FrameMd5(path).md5[:50], e2e.reference_frames(1)[:50], f"cut at {cut}: first segment")


@e2e.case
def a_segment_whose_transfer_breaks_off_is_asked_for_again(folder):
    """Once only: the retry succeeds and every frame is right."""
    path, times = os.path.join(folder, "frames"), {}

    def once(name):
        times[name] = times.get(name, 0) + 1
        whole = media(name.lstrip("/"))
        return Answer(200, whole[:len(whole) // 2], declared=len(whole)) if times[name] == 1 else None
    with serving({SEGMENT_2: once}) as server:
        ended_well(play(server.url + MPD, "--rung", 1, "--framemd5", path))
    e2e.same_list(e2e.FrameMd5(path).md5, e2e.reference_frames(1), "frames")


@e2e.case
def a_server_that_fails_for_a_moment(folder):
    path, times = os.path.join(folder, "frames"), {}

    def twice(name):
        times[name] = times.get(name, 0) + 1
        return Answer(503, b"busy\n") if times[name] <= 2 else None
    with serving({SEGMENT_2: twice}) as server:
        ended_well(play(server.url + MPD, "--rung", 1, "--framemd5", path))
    e2e.same_list(e2e.FrameMd5(path).md5, e2e.reference_frames(1), "frames")


@e2e.case
def a_segment_larger_than_its_slot(_):
    """260 MiB of one box where slots hold 256: refused while it comes, at every rung."""
    def huge():
        yield struct.pack(">I4s", 300 << 20, b"free")
        block = b"\0" * (1 << 20)
        for _ in range(300):
            yield block
    with serving({r"/dash-number/v\d-\d+\.m4s": Answer(200, chunks=huge)}) as server:
        refused(play(server.url + MPD, "--rung", 0, "--no-audio", timeout=180), 5, r"\.m4s")


@e2e.case
def a_codec_that_nobody_knows(_):
    mpd = text_of(MPD)
    for old in ("avc1.64000b", "avc1.64000d", "avc1.640015"):
        mpd = mpd.replace(old, "xyz9.1")
    check("avc1" not in mpd, "the manifest is not what this test thinks")

    def init(path):
        data = media(path.lstrip("/").replace("unknown/", "dash-number/"))
        return Answer(200, data.replace(b"avc1", b"xyz9").replace(b"avcC", b"xyzC"))
    with serving({"/dash-number/x.mpd": Answer(200, mpd.encode(), XML), r"/dash-number/v\d-init\.mp4": init}) as server:
        refused(play(server.url + "dash-number/x.mpd"), 4, "xyz9")


# --- encryption -------------------------------------------------------------------------------------


@e2e.case
def an_encrypted_mpd(_):
    # Before the representations of an adaptation set, as the schema has it.
    protection = '<ContentProtection schemeIdUri="urn:mpeg:dash:mp4protection:2011" value="cenc"/>'
    mpd = text_of(MPD).replace("<Representation", protection + "<Representation")
    with serving({"/dash-number/x.mpd": Answer(200, mpd.encode(), XML)}) as server:
        refused(play(server.url + "dash-number/x.mpd"), 4, "encrypt|protect|cenc")


def encrypted_playlist(method, _):
    def keyed(path):
        text = media(path.lstrip("/")).decode()
        return Answer(200, text.replace("#EXTINF", f'#EXT-X-KEY:METHOD={method},URI="k"\n#EXTINF', 1).encode())
    with serving({r"/hls-ts/media-r\d\.m3u8": keyed}) as server:
        refused(play(server.url + "hls-ts/master.m3u8"), 4, "encrypt|key|" + method)


for method_name in ("AES-128", "SAMPLE-AES"):
    e2e.add_case(f"an HLS playlist with {method_name}", encrypted_playlist, method_name)


@e2e.case
def a_live_stream_is_refused_plainly(_):
    mpd = text_of(MPD).replace('type="static"', 'type="dynamic" availabilityStartTime="2020-01-01T00:00:00Z"')
    with serving({"/dash-number/x.mpd": Answer(200, mpd.encode(), XML)}) as server:
        refused(play(server.url + "dash-number/x.mpd"), 4, "live")


# --- outputs and surroundings -----------------------------------------------------------------------


@e2e.case
def a_full_disk(_):
    if not os.path.exists("/dev/full"):
        raise e2e.Skip("no /dev/full here")
    with serving() as server:
        for option in ("--framemd5", "--events", "--summary"):
            refused(play(server.url + MPD, option, "/dev/full"), 6, "/dev/full")
        for option, value in (("--vo", "y4m:/dev/full"), ("--ao", "wav:/dev/full")):
            refused(weir("play", "--untimed", option, value, server.url + MPD), 6, "/dev/full")


@e2e.case
def an_output_that_cannot_be_opened(_):
    with serving() as server:
        for option in ("--framemd5", "--events", "--summary"):
            refused(play(server.url + MPD, option, "/nonexistent/out"), 6, "/nonexistent/out")


NO_DISPLAY = {"DISPLAY": None, "WAYLAND_DISPLAY": None, "SDL_VIDEODRIVER": None, "XDG_RUNTIME_DIR": None}


@e2e.case
def no_display(_):
    if os.path.exists("/dev/dri"):
        raise e2e.Skip("this machine can draw without a display server")
    with serving() as server:
        said = refused(weir("play", "--ao", "null", server.url + MPD, env=NO_DISPLAY), 6)
        check("--headless" in said, f"does not suggest --headless: {said}")


@e2e.case
def a_sound_device_that_is_gone_amid_play(folder):
    """SDL's disk driver loses its device when the disk is full. Pictures go on to the end."""
    if not os.path.exists("/dev/full"):
        raise e2e.Skip("no /dev/full here")
    summary, events = os.path.join(folder, "summary"), os.path.join(folder, "events")
    with serving() as server:
        ended_well(weir("play", "--vo", "null", "--ao", "sdl", "--duration", 4, "--summary", summary, "--events", events,
                        server.url + MPD, env={"SDL_AUDIODRIVER": "disk", "SDL_DISKAUDIOFILE": "/dev/full"}))
    with open(summary, encoding="utf-8") as f:
        frames = json.load(f)["frames"]
    check(frames["delivered"] + frames["dropped"] >= 100, f"frames {frames}")
    check(any(e["event"] == "warning" for e in e2e.read_events(events)), "no warning says so")


@e2e.case
def another_locale(folder):
    """Decimal commas and foreign texts change neither numbers read nor numbers written."""
    if not shutil.which("localedef") or not os.path.exists("/usr/share/i18n/locales/de_DE"):
        raise e2e.Skip("no locale but C can be made here")
    run = subprocess.run(["localedef", "-i", "de_DE", "-f", "UTF-8", os.path.join(folder, "de_DE.UTF-8")],
                         capture_output=True, check=False)
    if run.returncode > 1:
        raise e2e.Skip("localedef cannot make de_DE")
    # glibc itself leaks what it reads from LOCPATH.
    env = {"LOCPATH": folder, "LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8", "ASAN_OPTIONS": "detect_leaks=0"}
    frames, summary = os.path.join(folder, "frames"), os.path.join(folder, "summary")
    with serving() as server:
        ended_well(play(server.url + "dash-timeline/manifest.mpd", "--rung", 1, "--buffer-max", "7.5", "--start", "4.0",
                        "--framemd5", frames, "--summary", summary, env=env))
        plain = ended_well(weir("inspect", "--json", server.url + MPD))
        german = ended_well(weir("inspect", "--json", server.url + MPD, env=env))
    e2e.same_list(e2e.FrameMd5(frames).md5, e2e.reference_frames(1)[100:], "frames")
    with open(summary, encoding="utf-8") as f:
        json.load(f)
    equal(german.stdout, plain.stdout, "inspect --json")


@e2e.case
def a_memory_limit_that_cannot_work(_):
    with serving() as server:
        said = refused(play(server.url + MPD, "--memory-limit", "100000"), 2, "memory")
        check(any(c.isdigit() for c in said.split("100000")[-1]), f"does not say the least that would do: {said}")


if __name__ == "__main__":
    e2e.exit_with(e2e.main(__doc__))
