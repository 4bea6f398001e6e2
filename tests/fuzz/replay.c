// tests/fuzz/replay.c — stands in for libFuzzer's main: runs every file named, or every file of
// every folder named, through LLVMFuzzerTestOneInput once, so that found inputs stay found.
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

static int replay_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return -1;
    uint8_t *data = NULL;
    size_t used = 0, room = 0;
    for (;;) {
        if (used == room) {
            room = room ? room * 2 : 4096;
            uint8_t *grown = realloc(data, room);
            if (!grown)
                abort();
            data = grown;
        }
        size_t n = fread(data + used, 1, room - used, f);
        if (n == 0)
            break;
        used += n;
    }
    (void)fclose(f);
    // An exact-size copy, so that AddressSanitizer sees the first byte read past the end.
    uint8_t *exact = malloc(used ? used : 1);
    if (!exact)
        abort();
    memcpy(exact, data, used);
    free(data);
    (void)LLVMFuzzerTestOneInput(exact, used);
    free(exact);
    return 0;
}

int main(int argc, char **argv)
{
    int count = 0;
    for (int i = 1; i < argc; i++) {
        DIR *dir = opendir(argv[i]);
        if (!dir) {
            if (replay_file(argv[i]) == 0)
                count++;
            continue;
        }
        for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
            char path[4096];
            (void)snprintf(path, sizeof(path), "%s/%s", argv[i], e->d_name);
            struct stat st;
            if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && replay_file(path) == 0)
                count++;
        }
        (void)closedir(dir);
    }
    (void)printf("%d inputs replayed\n", count);
    return count > 0 ? 0 : 1; // an empty corpus proves nothing
}
