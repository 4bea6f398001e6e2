"""bad_server.py: an HTTP server over the test media whose answers a test replaces path by path: other
statuses, other bytes, cut short, without end. In-process, a thread per connection."""
import http.server
import os
import re
import socket
import ssl
import threading


class Answer:
    """What to send for a path instead of the file."""

    def __init__(self, status=200, body=b"", content_type="application/octet-stream", headers=(), declared=None,
                 chunks=None):
        self.status = status
        self.body = body
        self.content_type = content_type
        self.headers = headers
        self.declared = len(body) if declared is None else declared  # Content-Length
        self.chunks = chunks  # an iterable of bytes, sent chunked, instead of body


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        path = self.path.split("?")[0]
        self.server.asked.append(path)
        answer = self.server.answer(path)
        try:
            if answer.chunks is not None:
                self.send_chunks(answer)
            else:
                self.send_answer(answer)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self.close_connection = True

    def send_answer(self, answer):
        body, status, headers, declared = answer.body, answer.status, list(answer.headers), answer.declared
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if match and status == 200 and declared == len(body):
            first = int(match.group(1))
            last = min(int(match.group(2) or len(body)), len(body) - 1)
            if first > last:
                status, headers, body = 416, [("Content-Range", f"bytes */{len(body)}")], b""
            else:
                headers.append(("Content-Range", f"bytes {first}-{last}/{len(body)}"))
                status, body = 206, body[first:last + 1]
            declared = len(body)
        self.send_response(status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(declared))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        if declared != len(body):
            self.wfile.flush()
            self.close_connection = True

    def send_chunks(self, answer):
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for chunk in answer.chunks():
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        self.wfile.write(b"0\r\n\r\n")


class BadServer(http.server.ThreadingHTTPServer):
    """Serves `folder`, but `answers` first: path or regular expression → Answer or function of the path
    (which may return None for "the file")."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, folder, answers=None, certificate=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder = folder
        self.answers = answers or {}
        self.asked = []
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        scheme = "https" if certificate else "http"
        self.url = f"{scheme}://127.0.0.1:{self.server_address[1]}/"
        self.thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def handle_error(self, request, client_address):
        pass  # a client that goes away is part of the tests

    def answer(self, path):
        for pattern, answer in self.answers.items():
            if re.fullmatch(pattern, path):
                answer = answer(path) if callable(answer) else answer
                if answer is not None:
                    return answer
        try:
            return Answer(body=self.read(path))
        except OSError:
            return Answer(404, b"not here\n", "text/plain")

    def read(self, path):
        with open(os.path.join(self.folder, path.lstrip("/")), "rb") as f:
            return f.read()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


def closed_port():
    """A port of this machine that nobody listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
