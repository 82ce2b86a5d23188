// SPDX-License-Identifier: Apache-2.0
#include "CVirtio.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/// More than any message of the protocol carries.
#define MOST_DESCRIPTORS 32

static int address_of(const char *path, struct sockaddr_un *address) {
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  if (strlen(path) >= sizeof address->sun_path) return -ENAMETOOLONG;
  strcpy(address->sun_path, path);
  return 0;
}

int cvirtio_listen(const char *path) {
  struct sockaddr_un address;
  int problem = address_of(path, &address);
  if (problem) return problem;
  struct stat status;
  if (lstat(path, &status) == 0) {
    if (!S_ISSOCK(status.st_mode)) return -EEXIST;
    unlink(path);
  }
  int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (listener < 0) return -errno;
  if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 4) < 0) {
    problem = -errno;
    close(listener);
    return problem;
  }
  return listener;
}

int cvirtio_accept(int listener) {
  int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  return connection < 0 ? -errno : connection;
}

int cvirtio_connect(const char *path) {
  struct sockaddr_un address;
  int problem = address_of(path, &address);
  if (problem) return problem;
  int connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connection < 0) return -errno;
  if (connect(connection, (struct sockaddr *)&address, sizeof address) < 0) {
    problem = -errno;
    close(connection);
    return problem;
  }
  return connection;
}

int cvirtio_pair(int ends[2]) {
  return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0 ? -errno : 0;
}

long cvirtio_receive(
    int socket, void *bytes, size_t count, int *descriptors, size_t *descriptor_count) {
  union {
    char bytes[CMSG_SPACE(sizeof(int) * MOST_DESCRIPTORS)];
    struct cmsghdr aligned;
  } control;
  struct iovec part = {bytes, count};
  struct msghdr message = {0};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof control.bytes;
  size_t room = *descriptor_count, taken = 0;
  *descriptor_count = 0;
  ssize_t received;
  do {
    received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  } while (received < 0 && errno == EINTR);
  if (received < 0) return -errno;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    size_t found = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t index = 0; index < found; index++) {
      int descriptor;
      memcpy(&descriptor, CMSG_DATA(header) + index * sizeof(int), sizeof descriptor);
      if (taken < room)
        descriptors[taken++] = descriptor;
      else
        close(descriptor);
    }
  }
  *descriptor_count = taken;
  return received;
}

int cvirtio_send(int socket, const void *bytes, size_t count) {
  ssize_t sent;
  do {
    sent = send(socket, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) return -errno;
  // A peer that lets its buffer fill up with our short answers does not read them at all.
  return (size_t)sent == count ? 0 : -EAGAIN;
}

int cvirtio_send_descriptors(
    int socket, const void *bytes, size_t count, const int *descriptors, size_t descriptor_count) {
  if (descriptor_count > MOST_DESCRIPTORS) return -EINVAL;
  union {
    char bytes[CMSG_SPACE(sizeof(int) * MOST_DESCRIPTORS)];
    struct cmsghdr aligned;
  } control;
  memset(&control, 0, sizeof control);
  struct iovec part = {(void *)bytes, count};
  struct msghdr message = {0};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (descriptor_count) {
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * descriptor_count);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * descriptor_count);
    memcpy(CMSG_DATA(header), descriptors, sizeof(int) * descriptor_count);
  }
  ssize_t sent = sendmsg(socket, &message, MSG_NOSIGNAL);
  return sent < 0 ? -errno : ((size_t)sent == count ? 0 : -EAGAIN);
}

int cvirtio_map(int file, uint64_t offset, uint64_t size, void **address) {
  struct stat status;
  if (fstat(file, &status) < 0) return -errno;
  if (!S_ISREG(status.st_mode) || size == 0) return -EINVAL;
  uint64_t length = (uint64_t)status.st_size;
  if (offset > length || size > length - offset) return -ERANGE;
  int seals = fcntl(file, F_GET_SEALS);
  if (seals < 0 || !(seals & F_SEAL_SHRINK)) return -EPERM;
  void *mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, (off_t)offset);
  if (mapped == MAP_FAILED) return -errno;
  *address = mapped;
  return 0;
}

int cvirtio_memory(uint64_t size, int is_sealed) {
  int file = memfd_create("sodalite-virtio", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (file < 0) return -errno;
  if (ftruncate(file, (off_t)size) < 0 ||
      (is_sealed && fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0)) {
    int problem = -errno;
    close(file);
    return problem;
  }
  return file;
}

int cvirtio_event(void) {
  int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return event < 0 ? -errno : event;
}

int cvirtio_check_event(int descriptor) {
  char path[40], target[40];
  snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
  ssize_t length = readlink(path, target, sizeof target - 1);
  if (length < 0) return -errno;
  target[length] = 0;
  if (strcmp(target, "anon_inode:[eventfd]") != 0) return -EINVAL;
  int flags = fcntl(descriptor, F_GETFL);
  if (flags < 0 || fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) < 0) return -errno;
  return 0;
}

void cvirtio_signal(int descriptor) {
  uint64_t one = 1;
  ssize_t written = write(descriptor, &one, sizeof one);
  (void)written;  // a full counter is a signal already
}

void cvirtio_drain(int descriptor) {
  uint64_t count;
  ssize_t taken = read(descriptor, &count, sizeof count);
  (void)taken;
}

int cvirtio_termination(void) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0) return -errno;
  int descriptor = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  return descriptor < 0 ? -errno : descriptor;
}

uint16_t cvirtio_load(const void *word) {
  return __atomic_load_n((const uint16_t *)word, __ATOMIC_ACQUIRE);
}

void cvirtio_store(void *word, uint16_t value) {
  __atomic_store_n((uint16_t *)word, value, __ATOMIC_RELEASE);
}

void cvirtio_fence(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
