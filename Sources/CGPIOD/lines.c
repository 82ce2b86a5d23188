// SPDX-License-Identifier: Apache-2.0

#include "version.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool gpio_label_fits(const char *label, const struct gpio_request *request) {
  for (size_t i = 0; i < request->label_count; i++) {
    if (strcmp(label, request->labels[i]) == 0) return true;
  }
  return request->label_count == 0;
}

#ifdef SODALITE_WITHOUT_GPIOD

int gpio_library_version(void) { return 0; }
int gpio_line_take(const struct gpio_request *request, struct gpio_line **line) {
  (void)request;
  *line = NULL;
  return -ENOSYS;
}
int gpio_line_find(const struct gpio_request *request) {
  (void)request;
  return -ENOSYS;
}
int gpio_line_set(struct gpio_line *line, bool is_active) {
  (void)line, (void)is_active;
  return -ENOSYS;
}
int gpio_line_get(struct gpio_line *line) {
  (void)line;
  return -ENOSYS;
}
int gpio_line_file(struct gpio_line *line) {
  (void)line;
  return -ENOSYS;
}
int gpio_line_take_edge(struct gpio_line *line) {
  (void)line;
  return -ENOSYS;
}
void gpio_line_release(struct gpio_line *line) { (void)line; }

#else

#include <dirent.h>
#include <gpiod.h>
#include <stdio.h>

static int is_chip(const struct dirent *entry) {
  return strncmp(entry->d_name, "gpiochip", 8) == 0;
}

/// Tries one device: looks for the line, and takes it unless `takes` is false.
static int try_chip(const char *name, const struct gpio_request *request, struct gpio_line *line,
                    bool takes) {
  char path[sizeof "/dev/" + 256];
  snprintf(path, sizeof path, "/dev/%s", name);
  errno = 0;
  struct gpiod_chip *chip = gpiod_chip_open(path);
  if (!chip) return -(errno ? errno : EIO);
  int result = gpio_chip_find(chip, request, &line->offset);
  if (result == 0 && takes) result = gpio_chip_take(chip, request, line);
  if (result == 0 && takes) {
    line->chip = chip;
  } else {
    gpiod_chip_close(chip);
  }
  return result;
}

static int try_chips(const struct gpio_request *request, struct gpio_line *line, bool takes) {
  struct dirent **entries = NULL;
  const int count = scandir("/dev", &entries, is_chip, versionsort);
  if (count < 0) return -errno;
  int status = -ENOENT;
  for (int i = 0; i < count; i++) {
    if (status != 0) {
      const int tried = try_chip(entries[i]->d_name, request, line, takes);
      // A chip that has the line but does not give it is a better reason than one without it.
      if (tried == 0 || status == -ENOENT) status = tried;
    }
    free(entries[i]);
  }
  free(entries);
  return status;
}

int gpio_line_find(const struct gpio_request *request) {
  struct gpio_line line = {0};
  return try_chips(request, &line, false);
}

int gpio_line_take(const struct gpio_request *request, struct gpio_line **result) {
  *result = NULL;
  struct gpio_line *line = calloc(1, sizeof *line);
  if (!line) return -ENOMEM;
  const int status = try_chips(request, line, true);
  if (status == 0) {
    *result = line;
  } else {
    free(line);
  }
  return status;
}

#endif
