// Where work that may block is done. gRPC's callback threads and the event loop
// are few and shared: neither may touch a store, a file, or wait for a lock that
// is held across either. They post here instead.

#ifndef BITS_SERVER_BASE_EXECUTOR_H_
#define BITS_SERVER_BASE_EXECUTOR_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "server/base/mutex.h"

namespace bits {

class Executor {
 public:
  using Task = std::function<void()>;

  virtual ~Executor() = default;

  // Runs `task` later, on a thread of the executor, or not at all:
  // RESOURCE_EXHAUSTED if the queue is full, UNAVAILABLE if the executor is
  // shutting down. Never blocks, never runs the task in the caller. Any thread
  // may call it, a task too. A task may not throw.
  [[nodiscard]] virtual absl::Status TryPost(Task task) = 0;
};

// A fixed number of threads over one bounded first-in-first-out queue.
class ThreadPool final : public Executor {
 public:
  struct Options {
    std::string name = "pool";  // Threads are called name-0, name-1 ..; 15 bytes are seen.
    size_t threads = 2;
    size_t queue_capacity = 4096;  // Tasks that wait; those that run are not counted.
  };

  explicit ThreadPool(Options options);
  ~ThreadPool() override;  // Shutdown(). Not from a task of its own.
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  [[nodiscard]] absl::Status TryPost(Task task) override;

  // Waits until the queue is empty and no task runs. Tasks may still be posted,
  // and are waited for too. Not from a task of its own.
  void Drain();

  // Refuses new tasks, finishes those that were accepted, joins the threads.
  // Calling it again does nothing. Not from a task of its own.
  void Shutdown();

  size_t queued() const;  // Tasks that wait, for a gauge.

 private:
  void Run(size_t index);

  const Options options_;
  mutable Mutex mutex_;
  CondVar work_;  // There is a task, or stopping_.
  CondVar idle_;  // Nothing waits and nothing runs.
  std::deque<Task> queue_ BITS_GUARDED_BY(mutex_);
  size_t running_ BITS_GUARDED_BY(mutex_) = 0;
  bool stopping_ BITS_GUARDED_BY(mutex_) = false;
  Mutex join_mutex_;  // Taken before mutex_, by Shutdown() only.
  std::vector<std::thread> threads_ BITS_GUARDED_BY(join_mutex_);
};

// Names the calling thread, as seen in top -H and a debugger; 15 bytes are kept.
void SetThreadName(std::string_view name);

}  // namespace bits

#endif  // BITS_SERVER_BASE_EXECUTOR_H_
