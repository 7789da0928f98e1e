/* A Modbus server on libmodbus: a peer that is not ours.
 *
 *   libmodbus_server tcp PORT | rtu DEVICE UNIT
 *
 * TCP: every unit, several connections. 200 holding registers and 200 input registers, each holding its own address (input:
 * plus 1000), 64 coils and 64 discrete inputs of which every third is on. Beyond them: exception 2.
 * Says "ready" on standard output.
 */
#include <errno.h>
#include <modbus/modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <unistd.h>

enum { kBits = 64, kRegisters = 200, kInputOffset = 1000 };

static modbus_mapping_t *make_mapping(void) {
  modbus_mapping_t *mapping = modbus_mapping_new(kBits, kBits, kRegisters, kRegisters);
  if (mapping == NULL) return NULL;
  for (int i = 0; i < kBits; ++i) {
    mapping->tab_bits[i] = i % 3 == 0;
    mapping->tab_input_bits[i] = i % 3 == 0;
  }
  for (int i = 0; i < kRegisters; ++i) {
    mapping->tab_registers[i] = (uint16_t)i;
    mapping->tab_input_registers[i] = (uint16_t)(kInputOffset + i);
  }
  return mapping;
}

static int fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, modbus_strerror(errno));
  return 1;
}

static void say_ready(void) {
  puts("ready");
  fflush(stdout);
}

/* Answers one request on the context's socket; -1: the connection has ended. */
static int serve_one(modbus_t *ctx, modbus_mapping_t *mapping) {
  uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
  const int length = modbus_receive(ctx, query);
  if (length < 0) return -1;
  if (length == 0) return 0; /* for another unit */
  return modbus_reply(ctx, query, length, mapping);
}

static int serve_tcp(int port, modbus_mapping_t *mapping) {
  modbus_t *ctx = modbus_new_tcp("127.0.0.1", port);
  if (ctx == NULL) return fail("modbus_new_tcp");
  const int listener = modbus_tcp_listen(ctx, 8);
  if (listener < 0) return fail("listen");
  say_ready();
  fd_set open_sockets;
  FD_ZERO(&open_sockets);
  FD_SET(listener, &open_sockets);
  for (;;) {
    fd_set readable = open_sockets;
    if (select(FD_SETSIZE, &readable, NULL, NULL, NULL) < 0) return fail("select");
    for (int fd = 0; fd < FD_SETSIZE; ++fd) {
      if (!FD_ISSET(fd, &readable)) continue;
      if (fd == listener) {
        int accepted = listener;
        modbus_tcp_accept(ctx, &accepted);
        const int connection = modbus_get_socket(ctx);
        if (connection >= 0) FD_SET(connection, &open_sockets);
        continue;
      }
      modbus_set_socket(ctx, fd);
      if (serve_one(ctx, mapping) < 0) {
        close(fd);
        FD_CLR(fd, &open_sockets);
      }
    }
  }
}

static int serve_rtu(const char *device, int unit, modbus_mapping_t *mapping) {
  modbus_t *ctx = modbus_new_rtu(device, 19200, 'N', 8, 1);
  if (ctx == NULL) return fail("modbus_new_rtu");
  modbus_set_slave(ctx, unit);
  if (modbus_connect(ctx) < 0) return fail(device);
  say_ready();
  for (;;) serve_one(ctx, mapping);
}

int main(int argc, char **argv) {
  modbus_mapping_t *mapping = make_mapping();
  if (mapping == NULL) return fail("modbus_mapping_new");
  if (argc == 3 && strcmp(argv[1], "tcp") == 0) return serve_tcp(atoi(argv[2]), mapping);
  if (argc == 4 && strcmp(argv[1], "rtu") == 0) return serve_rtu(argv[2], atoi(argv[3]), mapping);
  fprintf(stderr, "usage: libmodbus_server tcp PORT | rtu DEVICE UNIT\n");
  return 64;
}
