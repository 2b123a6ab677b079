// A SQLite VFS that fails when told to, and knows what is not yet synced.
#ifndef BITS_TESTS_FAULT_STORE_FAULT_VFS_H_
#define BITS_TESTS_FAULT_STORE_FAULT_VFS_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "server/base/mutex.h"

namespace bits::testing {

// One per process; a pass-through to the default VFS until told otherwise. Thread-safe.
class FaultVfs {
 public:
  enum class Operation : uint8_t { kRead, kWrite, kSync, kTruncate };
  enum class File : uint8_t { kDatabase, kLog };

  static constexpr char kName[] = "bits-fault";

  static FaultVfs& Get();

  // From now on, after `spare` more calls, the operation on files of the kind gives `result`
  // (of SQLite) and does nothing.
  void Fail(Operation operation, File file, int result, int spare = 0);
  // Ends all failing, and forgets the hook.
  void Heal();
  // How often an operation has been made to fail.
  int failures() const { return failures_.load(); }

  // Whether all that was written to the file has been synced since.
  bool Synced(File file) const;
  // Called, on SQLite's thread, after each truncation of the log that worked.
  void OnLogTruncated(std::function<void()> hook);

  // Of the VFS itself.
  int Enter(Operation operation, File file);
  void Leave(Operation operation, File file);

 private:
  FaultVfs();

  mutable Mutex mutex_;
  bool failing_ BITS_GUARDED_BY(mutex_) = false;
  Operation operation_ BITS_GUARDED_BY(mutex_) = Operation::kRead;
  File file_ BITS_GUARDED_BY(mutex_) = File::kDatabase;
  int result_ BITS_GUARDED_BY(mutex_) = 0;
  int spare_ BITS_GUARDED_BY(mutex_) = 0;
  bool unsynced_[2] BITS_GUARDED_BY(mutex_) = {false, false};
  std::function<void()> on_log_truncated_ BITS_GUARDED_BY(mutex_);
  std::atomic<int> failures_ = 0;
};

}  // namespace bits::testing

#endif  // BITS_TESTS_FAULT_STORE_FAULT_VFS_H_
