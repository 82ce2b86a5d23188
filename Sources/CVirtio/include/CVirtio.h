// SPDX-License-Identifier: Apache-2.0
// What Swift cannot say itself: descriptors in messages, ordered access to shared memory, and
// checks of what another process has sent. Functions return -errno where they fail.
#ifndef CVIRTIO_H
#define CVIRTIO_H

#include <stddef.h>
#include <stdint.h>

/// A Unix stream socket that listens at `path`; whatever socket was there before is replaced.
int cvirtio_listen(const char *path);
/// The next waiting connection, which never blocks.
int cvirtio_accept(int listener);
/// Up to `count` bytes and up to `*descriptor_count` descriptors; sets how many came.
/// 0 when the peer has closed, -EAGAIN when nothing waits.
long cvirtio_receive(
    int socket, void *bytes, size_t count, int *descriptors, size_t *descriptor_count);
/// All of `bytes`, or an error; never a signal, and never a wait.
int cvirtio_send(int socket, const void *bytes, size_t count);
/// Bytes and one descriptor, as the other side of a connection sends them.
int cvirtio_send_descriptors(
    int socket, const void *bytes, size_t count, const int *descriptors, size_t descriptor_count);
/// Both ends of a connection, for tests.
int cvirtio_pair(int ends[2]);
/// A Unix stream socket that is connected to `path`.
int cvirtio_connect(const char *path);

/// Maps `size` bytes of a file that cannot shrink below them; another one would end this process
/// with a signal as soon as its owner truncates it.
int cvirtio_map(int file, uint64_t offset, uint64_t size, void **address);
/// A sealed file of `size` bytes in memory, as QEMU shares it.
int cvirtio_memory(uint64_t size, int is_sealed);
/// An event counter that never blocks.
int cvirtio_event(void);
/// 0 if the descriptor is an event counter, which it makes never block.
int cvirtio_check_event(int descriptor);
/// Adds one to an event counter, or takes all from it.
void cvirtio_signal(int descriptor);
void cvirtio_drain(int descriptor);
/// A descriptor that is readable after SIGINT or SIGTERM, which no longer end the process.
int cvirtio_termination(void);

/// A 16-bit word that another processor writes, before all that is read after it.
uint16_t cvirtio_load(const void *word);
/// A 16-bit word for another processor, after all that was written before it.
void cvirtio_store(void *word, uint16_t value);
/// Orders everything before it against everything after it.
void cvirtio_fence(void);

#endif
