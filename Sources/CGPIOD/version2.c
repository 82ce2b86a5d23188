// SPDX-License-Identifier: Apache-2.0
// libgpiod 2: Debian 13, Raspberry Pi OS of the same age.

#include "version.h"

#ifndef SODALITE_WITHOUT_GPIOD
#include <gpiod.h>
#ifndef GPIOD_LINE_BULK_MAX_LINES

#include <errno.h>
#include <stdlib.h>

int gpio_library_version(void) { return 2; }

static int failure(void) { return -(errno ? errno : EIO); }

int gpio_chip_find(struct gpiod_chip *chip, const struct gpio_request *request, uint32_t *offset) {
  errno = 0;
  struct gpiod_chip_info *info = gpiod_chip_get_info(chip);
  if (!info) return failure();
  const bool fits = gpio_label_fits(gpiod_chip_info_get_label(info), request);
  const size_t count = gpiod_chip_info_get_num_lines(info);
  gpiod_chip_info_free(info);
  if (!fits) return -ENOENT;
  if (!request->name) {
    *offset = request->offset;
    return request->offset < count ? 0 : -ENOENT;
  }
  const int found = gpiod_chip_get_line_offset_from_name(chip, request->name);
  if (found < 0) return failure();
  *offset = (uint32_t)found;
  return 0;
}

static int apply(struct gpiod_line_settings *settings, const struct gpio_request *request) {
  gpiod_line_settings_set_active_low(settings, request->is_active_low);
  const enum gpiod_line_bias bias = request->pull == GPIO_PULL_UP     ? GPIOD_LINE_BIAS_PULL_UP
                                    : request->pull == GPIO_PULL_DOWN ? GPIOD_LINE_BIAS_PULL_DOWN
                                                                      : GPIOD_LINE_BIAS_AS_IS;
  if (gpiod_line_settings_set_bias(settings, bias) < 0) return failure();
  if (request->is_output) {
    const enum gpiod_line_value value =
        request->is_active ? GPIOD_LINE_VALUE_ACTIVE : GPIOD_LINE_VALUE_INACTIVE;
    if (gpiod_line_settings_set_direction(settings, GPIOD_LINE_DIRECTION_OUTPUT) < 0 ||
        gpiod_line_settings_set_output_value(settings, value) < 0) {
      return failure();
    }
    return 0;
  }
  if (gpiod_line_settings_set_direction(settings, GPIOD_LINE_DIRECTION_INPUT) < 0 ||
      gpiod_line_settings_set_edge_detection(settings, GPIOD_LINE_EDGE_BOTH) < 0) {
    return failure();
  }
  return 0;
}

int gpio_chip_take(struct gpiod_chip *chip, const struct gpio_request *request,
                   struct gpio_line *taken) {
  errno = 0;
  struct gpiod_line_settings *settings = gpiod_line_settings_new();
  struct gpiod_line_config *lines = gpiod_line_config_new();
  struct gpiod_request_config *config = gpiod_request_config_new();
  const unsigned int offset = taken->offset;
  int result = settings && lines && config ? apply(settings, request) : -ENOMEM;
  if (result == 0 && gpiod_line_config_add_line_settings(lines, &offset, 1, settings) < 0) {
    result = failure();
  }
  if (result == 0) {
    gpiod_request_config_set_consumer(config, GPIO_CONSUMER);
    taken->handle = gpiod_chip_request_lines(chip, config, lines);
    if (!taken->handle) result = failure();
  }
  if (config) gpiod_request_config_free(config);
  if (lines) gpiod_line_config_free(lines);
  if (settings) gpiod_line_settings_free(settings);
  return result;
}

int gpio_line_set(struct gpio_line *line, bool is_active) {
  errno = 0;
  const enum gpiod_line_value value = is_active ? GPIOD_LINE_VALUE_ACTIVE : GPIOD_LINE_VALUE_INACTIVE;
  return gpiod_line_request_set_value(line->handle, line->offset, value) < 0 ? failure() : 0;
}

int gpio_line_get(struct gpio_line *line) {
  errno = 0;
  const enum gpiod_line_value value = gpiod_line_request_get_value(line->handle, line->offset);
  return value == GPIOD_LINE_VALUE_ERROR ? failure() : value == GPIOD_LINE_VALUE_ACTIVE;
}

int gpio_line_file(struct gpio_line *line) {
  errno = 0;
  const int file = gpiod_line_request_get_fd(line->handle);
  return file < 0 ? failure() : file;
}

int gpio_line_take_edge(struct gpio_line *line) {
  errno = 0;
  struct gpiod_edge_event_buffer *buffer = gpiod_edge_event_buffer_new(1);
  if (!buffer) return -ENOMEM;
  const int count = gpiod_line_request_read_edge_events(line->handle, buffer, 1);
  const int result = count < 0 ? failure() : 0;
  gpiod_edge_event_buffer_free(buffer);
  return result;
}

void gpio_line_release(struct gpio_line *line) {
  gpiod_line_request_release(line->handle);
  gpiod_chip_close(line->chip);
  free(line);
}

#endif
#endif
