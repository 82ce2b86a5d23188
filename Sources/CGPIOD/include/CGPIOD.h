// SPDX-License-Identifier: Apache-2.0
//
// Lines of the processor over libgpiod, of version 1.6 (Debian 12) or 2 (Debian 13): one interface
// for both, chosen by the header that is there.

#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// What holds a line when nobody drives it.
enum gpio_pull { GPIO_PULL_NONE, GPIO_PULL_UP, GPIO_PULL_DOWN };

/// Which line, and how to ask for it.
struct gpio_request {
  /// The labels of the chips it may be on; none for any.
  const char *_Nullable const *_Nullable labels;
  size_t label_count;
  /// Its name; NULL if `offset` says which.
  const char *_Nullable name;
  uint32_t offset;
  bool is_output;
  bool is_active_low;
  /// The first state of an output.
  bool is_active;
  enum gpio_pull pull;
};

struct gpio_line;

/// Which version of libgpiod this was built with: 1 or 2, or 0 for none.
int gpio_library_version(void);

/// Finds a line by its chip's label and its name or offset, and takes it.
///
/// 0, or a negated errno: -ENOENT if no chip has it, -EBUSY if somebody else has taken it, -EACCES if
/// the devices may not be opened, -ENOSYS if this was built without libgpiod.
int gpio_line_take(const struct gpio_request *request, struct gpio_line *_Nullable *_Nonnull line);

/// Whether a line is there; takes nothing. 0, or a negated errno as of `gpio_line_take`.
int gpio_line_find(const struct gpio_request *request);

/// Drives an output; 0 or a negated errno.
int gpio_line_set(struct gpio_line *line, bool is_active);

/// 1 if an input is active, 0 if not, or a negated errno.
int gpio_line_get(struct gpio_line *line);

/// What to poll(2) for an edge of an input, or a negated errno.
int gpio_line_file(struct gpio_line *line);

/// Takes one edge that poll(2) announced; 0 or a negated errno.
int gpio_line_take_edge(struct gpio_line *line);

/// Gives the line back; what happens to its level is the kernel driver's choice.
void gpio_line_release(struct gpio_line *line);

#pragma clang assume_nonnull end
