/*
 * A closed loop of RADIUS accounting (RFC 2866): every socket keeps its window of requests outstanding, checks the
 * authenticator of every answer, repeats what is not answered, and never gives up silently. Packets carry what a real
 * access point sends. One line of JSON at the end says what happened.
 *
 *   sender --port P --secret S --devices D (--requests N | --seconds T) [--status start|interim|stop]
 *          [--first F] [--round R] [--sockets 8] [--window 32] [--rate N/s] [--host 127.0.0.1]
 *
 * Devices F to F + D - 1 are visited in turn; a pass over all of them is a round, and counters grow with it.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "md5.h"

enum { MAX_SOCKETS = 64, IDENTIFIERS = 256, MAX_TRIES = 10, LATENCIES = 8000000, BURST = 64 };
enum { ACCOUNTING_REQUEST = 4, ACCOUNTING_RESPONSE = 5, HEADER = 20 };
static const double REPEAT_AFTER = 2.0, SCAN_EVERY = 0.1, DRAIN_FOR = 25.0;

typedef struct {
  uint8_t bytes[512];
  int length, tries;
  double first_sent, last_sent;
} Request; /* tries == 0: the identifier is free. */

typedef struct {
  int descriptor, outstanding, next_identifier;
  Request requests[IDENTIFIERS];
} Lane;

static struct {
  const char *host, *secret;
  int port, sockets, window, status;
  long first, devices, requests, round, rate;
  double seconds;
} option = {.host = "127.0.0.1", .sockets = 8, .window = 32, .status = 3};

static Lane lanes[MAX_SOCKETS];
static size_t secret_length;
static long sent, acknowledged, repeated, refused, lost, latencies;
static float *latency;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static uint8_t *put(uint8_t *at, int type, const void *value, int length) {
  at[0] = (uint8_t)type;
  at[1] = (uint8_t)(length + 2);
  memcpy(at + 2, value, (size_t)length);
  return at + 2 + length;
}

static uint8_t *put_number(uint8_t *at, int type, uint32_t value) {
  uint32_t network = htonl(value);
  return put(at, type, &network, 4);
}

/* The n-th request of this run. Stations are 02-00-5E-xx-xx-xx, their addresses those of RFC 2544's benchmarking range. */
static void build(Request *request, int identifier, long n) {
  long device = option.first + n % option.devices, round = option.round + n / option.devices;
  uint8_t *packet = request->bytes, *at = packet + HEADER;
  char text[64];
  at = put_number(at, 40, (uint32_t)option.status);
  at = put(at, 1, text, sprintf(text, "bench-%ld", device));
  at = put(at, 31, text, sprintf(text, "02-00-5E-%02lX-%02lX-%02lX", device >> 16 & 255, device >> 8 & 255, device & 255));
  at = put(at, 30, text, sprintf(text, "02-00-5F-00-00-%02lX:Members", device % 200));
  at = put(at, 44, text, sprintf(text, "%08lX-bench", device));
  at = put_number(at, 4, 0xC0000201u); /* NAS-IP-Address 192.0.2.1: one controller for all. */
  at = put_number(at, 5, (uint32_t)(device % 1000));
  at = put_number(at, 61, 19); /* NAS-Port-Type: Wireless-802.11 */
  at = put_number(at, 8, 0xC6120000u + (uint32_t)(device & 0x1FFFF));
  at = put_number(at, 46, (uint32_t)(round * 60));
  at = put_number(at, 42, (uint32_t)(round * 5000 + device));
  at = put_number(at, 43, (uint32_t)(round * 50000 + device));
  at = put_number(at, 55, (uint32_t)time(NULL));
  at = put_number(at, 41, 0);
  request->length = (int)(at - packet);
  packet[0] = ACCOUNTING_REQUEST;
  packet[1] = (uint8_t)identifier;
  packet[2] = (uint8_t)(request->length >> 8);
  packet[3] = (uint8_t)request->length;
  memset(packet + 4, 0, 16);
  uint8_t authenticator[16];
  md5_keyed(authenticator, packet, (size_t)request->length, option.secret, secret_length);
  memcpy(packet + 4, authenticator, 16);
}

static int free_identifier(Lane *lane) {
  for (int i = 0; i < IDENTIFIERS; i++) {
    int identifier = (lane->next_identifier + i) & 255;
    if (lane->requests[identifier].tries == 0) {
      lane->next_identifier = (identifier + 1) & 255;
      return identifier;
    }
  }
  return -1;
}

/* Fills the window, or as much of it as the offered rate allows. False once the socket's buffer is full. */
static void fill(Lane *lane, long allowed) {
  for (int i = 0; i < BURST && lane->outstanding < option.window && sent < allowed; i++) {
    int identifier = free_identifier(lane);
    if (identifier < 0) return;
    Request *request = &lane->requests[identifier];
    build(request, identifier, sent);
    request->first_sent = request->last_sent = now();
    if (send(lane->descriptor, request->bytes, (size_t)request->length, 0) < 0) return;
    request->tries = 1;
    lane->outstanding++;
    sent++;
  }
}

static void receive(Lane *lane) {
  uint8_t answer[4096], digest[16], claimed[16];
  ssize_t length;
  while ((length = recv(lane->descriptor, answer, sizeof answer, 0)) > 0) {
    Request *request = &lane->requests[answer[1]];
    if (length < HEADER || request->tries == 0) continue; /* the answer to a repetition that was answered before */
    memcpy(claimed, answer + 4, 16);
    memcpy(answer + 4, request->bytes + 4, 16); /* Response Authenticator: RFC 2866, section 3 */
    md5_keyed(digest, answer, (size_t)length, option.secret, secret_length);
    if (answer[0] != ACCOUNTING_RESPONSE || memcmp(claimed, digest, 16) != 0) {
      refused++;
      continue;
    }
    if (latencies < LATENCIES) latency[latencies++] = (float)(now() - request->first_sent);
    acknowledged++;
    request->tries = 0;
    lane->outstanding--;
  }
}

static void repeat(Lane *lane, double time) {
  for (int i = 0; i < IDENTIFIERS; i++) {
    Request *request = &lane->requests[i];
    if (request->tries == 0 || time - request->last_sent < REPEAT_AFTER) continue;
    if (request->tries >= MAX_TRIES) {
      request->tries = 0;
      lane->outstanding--;
      lost++;
      continue;
    }
    (void)!send(lane->descriptor, request->bytes, (size_t)request->length, 0);
    request->last_sent = time;
    request->tries++;
    repeated++;
  }
}

static int by_size(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

static double percentile_ms(double share) { return latencies ? latency[(long)((double)(latencies - 1) * share)] * 1e3 : 0; }

static void usage(const char *problem) {
  fprintf(stderr, "sender: %s\n", problem);
  exit(2);
}

static void parse(int count, char **words) {
  static const struct option names[] = {{"host", 1, 0, 'h'}, {"port", 1, 0, 'p'}, {"secret", 1, 0, 's'},
    {"devices", 1, 0, 'd'}, {"first", 1, 0, 'f'}, {"requests", 1, 0, 'n'}, {"seconds", 1, 0, 't'}, {"status", 1, 0, 'm'}, {"round", 1, 0, 'r'},
    {"sockets", 1, 0, 'k'}, {"window", 1, 0, 'w'}, {"rate", 1, 0, 'R'}, {0, 0, 0, 0}};
  int name;
  while ((name = getopt_long(count, words, "", names, NULL)) != -1) switch (name) {
    case 'h': option.host = optarg; break;
    case 'p': option.port = atoi(optarg); break;
    case 's': option.secret = optarg; break;
    case 'd': option.devices = atol(optarg); break;
    case 'f': option.first = atol(optarg); break;
    case 'n': option.requests = atol(optarg); break;
    case 't': option.seconds = atof(optarg); break;
    case 'm': option.status = strcmp(optarg, "start") == 0 ? 1 : strcmp(optarg, "stop") == 0 ? 2 : 3; break;
    case 'r': option.round = atol(optarg); break;
    case 'k': option.sockets = atoi(optarg); break;
    case 'w': option.window = atoi(optarg); break;
    case 'R': option.rate = atol(optarg); break;
    default: exit(2);
  }
  if (!option.port || !option.secret || option.devices < 1) usage("--port, --secret and --devices are needed");
  if (!option.requests == !(option.seconds > 0)) usage("exactly one of --requests and --seconds is needed");
  if (option.sockets < 1 || option.sockets > MAX_SOCKETS) usage("--sockets must lie between 1 and 64");
  if (option.window < 1 || option.window > IDENTIFIERS) usage("--window must lie between 1 and 256");
  secret_length = strlen(option.secret);
  if (secret_length > 128) usage("--secret must have at most 128 bytes");
}

static void open_lanes(struct pollfd *ready) {
  struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons((uint16_t)option.port)};
  if (inet_pton(AF_INET, option.host, &server.sin_addr) != 1) usage("--host must be an IPv4 address");
  for (int i = 0; i < option.sockets; i++) {
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), buffer = 4 << 20;
    setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    if (descriptor < 0 || connect(descriptor, (struct sockaddr *)&server, sizeof server) < 0) usage(strerror(errno));
    lanes[i].descriptor = descriptor;
    ready[i] = (struct pollfd){.fd = descriptor, .events = POLLIN};
  }
}

int main(int count, char **words) {
  parse(count, words);
  md5_setup();
  latency = malloc(LATENCIES * sizeof *latency);
  struct pollfd ready[MAX_SOCKETS];
  open_lanes(ready);
  double began = now(), ended = 0, scanned = began;
  for (;;) {
    double time = now();
    if (!ended && (option.requests ? sent >= option.requests : time - began >= option.seconds)) ended = time;
    long outstanding = 0;
    for (int i = 0; i < option.sockets; i++) outstanding += lanes[i].outstanding;
    if (ended && (outstanding == 0 || time > ended + DRAIN_FOR)) break;
    long allowed = option.requests ? option.requests : 0x7fffffffL;
    if (option.rate) {
      long offered = (long)((time - began) * (double)option.rate);
      if (offered < allowed) allowed = offered;
    }
    if (!ended)
      for (int i = 0; i < option.sockets; i++) fill(&lanes[i], allowed);
    poll(ready, (nfds_t)option.sockets, 1);
    for (int i = 0; i < option.sockets; i++) receive(&lanes[i]);
    if (time - scanned > SCAN_EVERY) {
      scanned = time;
      for (int i = 0; i < option.sockets; i++) repeat(&lanes[i], time);
    }
  }
  /* With a number of requests, all of them count until the last is answered; with a time, what that time saw sent. */
  double elapsed = (option.requests ? now() : ended) - began;
  for (int i = 0; i < option.sockets; i++) lost += lanes[i].outstanding;
  qsort(latency, (size_t)latencies, sizeof *latency, by_size);
  printf("{\"acknowledgedPerSecond\":%.0f,\"sent\":%ld,\"acknowledged\":%ld,\"repeated\":%ld,\"badAuthenticators\":%ld,"
         "\"lost\":%ld,\"p50Ms\":%.3f,\"p99Ms\":%.3f,\"maxMs\":%.3f,\"elapsedSeconds\":%.3f}\n",
         (double)acknowledged / elapsed, sent, acknowledged, repeated, refused, lost, percentile_ms(0.5),
         percentile_ms(0.99), percentile_ms(1), elapsed);
  return lost || refused ? 1 : 0;
}
