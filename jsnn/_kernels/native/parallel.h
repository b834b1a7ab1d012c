// A loop over the threads of XLA's pool.

#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <new>

#include "xla/ffi/api/ffi.h"

namespace ffi = xla::ffi;

namespace {

// f(0), ..., f(n - 1) on the caller's thread and on those of XLA's pool that are free. The caller
// works too, so it never waits for a task that no thread has begun. If calls throw, one of their
// exceptions reaches the caller, after all calls.
template <class F>
void parallel_for(ffi::ThreadPool& pool, int64_t n, const F& f) {
  struct Progress {
    std::atomic<int64_t> next{0}, done{0};
    std::mutex mutex;
    std::condition_variable all_done;
    std::exception_ptr thrown;
  };
  const int64_t workers = std::min<int64_t>(pool.num_threads(), n);
  if (workers <= 1) {
    for (int64_t i = 0; i < n; ++i) f(i);
    return;
  }
  auto progress = std::make_shared<Progress>();
  // A task that begins after the last index is taken does nothing, and so never touches `f`.
  auto work = [progress, n, &f] {
    int64_t mine = 0;
    for (int64_t i; (i = progress->next.fetch_add(1)) < n; ++mine) {
      try {
        f(i);
      } catch (...) {
        std::lock_guard<std::mutex> lock(progress->mutex);
        progress->thrown = std::current_exception();
      }
    }
    if (mine && progress->done.fetch_add(mine) + mine == n) {
      std::lock_guard<std::mutex> lock(progress->mutex);
      progress->all_done.notify_all();
    }
  };
  try {
    for (int64_t worker = 1; worker < workers; ++worker) pool.Schedule(std::function<void()>(work));
  } catch (const std::bad_alloc&) {  // the threads that have begun do the work
  }
  work();
  std::unique_lock<std::mutex> lock(progress->mutex);
  progress->all_done.wait(lock, [&] { return progress->done.load() == n; });
  if (progress->thrown) std::rethrow_exception(progress->thrown);
}

}  // namespace
