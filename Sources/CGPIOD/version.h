// SPDX-License-Identifier: Apache-2.0
//
// What differs between the versions of libgpiod. Version 2 defines no version number; version 1
// defines GPIOD_LINE_BULK_MAX_LINES, and version 2 does not.

#pragma once
#include "CGPIOD.h"

#define GPIO_CONSUMER "sodalite"

struct gpiod_chip;

/// A line that was taken.
struct gpio_line {
  struct gpiod_chip *_Nullable chip;
  /// A gpiod_line in version 1, a gpiod_line_request in version 2.
  void *_Nullable handle;
  uint32_t offset;
};

/// Whether a chip has one of the labels of a request, and the line of it.
int gpio_chip_find(struct gpiod_chip *_Nonnull chip, const struct gpio_request *_Nonnull request,
                   uint32_t *_Nonnull offset);

/// Asks a chip for a line; 0 or a negated errno.
int gpio_chip_take(struct gpiod_chip *_Nonnull chip, const struct gpio_request *_Nonnull request,
                   struct gpio_line *_Nonnull line);

/// Whether a label is one of those that a request names.
bool gpio_label_fits(const char *_Nonnull label, const struct gpio_request *_Nonnull request);
