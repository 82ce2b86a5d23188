// SPDX-License-Identifier: Apache-2.0
// libgpiod 1.6: Debian 12, Raspberry Pi OS of the same age.

#include "version.h"

#ifndef SODALITE_WITHOUT_GPIOD
#include <gpiod.h>
#ifdef GPIOD_LINE_BULK_MAX_LINES

#include <errno.h>
#include <stdlib.h>

int gpio_library_version(void) { return 1; }

static int failure(void) { return -(errno ? errno : EIO); }

int gpio_chip_find(struct gpiod_chip *chip, const struct gpio_request *request, uint32_t *offset) {
  if (!gpio_label_fits(gpiod_chip_label(chip), request)) return -ENOENT;
  if (!request->name) {
    *offset = request->offset;
    return request->offset < gpiod_chip_num_lines(chip) ? 0 : -ENOENT;
  }
  struct gpiod_line *line = gpiod_chip_find_line(chip, request->name);
  if (!line) return -ENOENT;
  *offset = gpiod_line_offset(line);
  return 0;
}

int gpio_chip_take(struct gpiod_chip *chip, const struct gpio_request *request,
                   struct gpio_line *taken) {
  errno = 0;
  struct gpiod_line *line = gpiod_chip_get_line(chip, taken->offset);
  if (!line) return failure();
  int flags = request->is_active_low ? GPIOD_LINE_REQUEST_FLAG_ACTIVE_LOW : 0;
  if (request->pull == GPIO_PULL_UP) flags |= GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_UP;
  if (request->pull == GPIO_PULL_DOWN) flags |= GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_DOWN;
  const int result =
      request->is_output
          ? gpiod_line_request_output_flags(line, GPIO_CONSUMER, flags, request->is_active)
          : gpiod_line_request_both_edges_events_flags(line, GPIO_CONSUMER, flags);
  if (result < 0) return failure();
  taken->handle = line;
  return 0;
}

int gpio_line_set(struct gpio_line *line, bool is_active) {
  errno = 0;
  return gpiod_line_set_value(line->handle, is_active) < 0 ? failure() : 0;
}

int gpio_line_get(struct gpio_line *line) {
  errno = 0;
  const int value = gpiod_line_get_value(line->handle);
  return value < 0 ? failure() : value;
}

int gpio_line_file(struct gpio_line *line) {
  errno = 0;
  const int file = gpiod_line_event_get_fd(line->handle);
  return file < 0 ? failure() : file;
}

int gpio_line_take_edge(struct gpio_line *line) {
  struct gpiod_line_event event;
  errno = 0;
  return gpiod_line_event_read(line->handle, &event) < 0 ? failure() : 0;
}

void gpio_line_release(struct gpio_line *line) {
  gpiod_line_release(line->handle);
  gpiod_chip_close(line->chip);
  free(line);
}

#endif
#endif
