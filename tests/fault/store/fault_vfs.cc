#include "tests/fault/store/fault_vfs.h"

#include <sqlite3.h>

#include <string_view>
#include <utility>

namespace bits::testing {
namespace {

using File = FaultVfs::File;
using Operation = FaultVfs::Operation;

// What SQLite sees as a file; the real one follows it in memory.
struct FaultFile {
  sqlite3_file base;
  bool is_ours;  // of a kind that can fail
  File kind;
};

FaultFile* Ours(sqlite3_file* file) { return reinterpret_cast<FaultFile*>(file); }
sqlite3_file* RealFile(sqlite3_file* file) {
  return reinterpret_cast<sqlite3_file*>(Ours(file) + 1);
}
const sqlite3_io_methods* Methods(sqlite3_file* file) { return RealFile(file)->pMethods; }

// Runs `call` unless it is to fail.
template <typename Call>
int Guard(sqlite3_file* file, Operation operation, Call call) {
  if (!Ours(file)->is_ours) return call();
  const int failure = FaultVfs::Get().Enter(operation, Ours(file)->kind);
  if (failure != SQLITE_OK) return failure;
  const int result = call();
  if (result == SQLITE_OK) FaultVfs::Get().Leave(operation, Ours(file)->kind);
  return result;
}

int Close(sqlite3_file* f) { return Methods(f)->xClose(RealFile(f)); }
int Read(sqlite3_file* f, void* to, int size, sqlite3_int64 offset) {
  return Guard(f, Operation::kRead,
               [&] { return Methods(f)->xRead(RealFile(f), to, size, offset); });
}
int Write(sqlite3_file* f, const void* from, int size, sqlite3_int64 offset) {
  return Guard(f, Operation::kWrite,
               [&] { return Methods(f)->xWrite(RealFile(f), from, size, offset); });
}
int Truncate(sqlite3_file* f, sqlite3_int64 size) {
  return Guard(f, Operation::kTruncate, [&] { return Methods(f)->xTruncate(RealFile(f), size); });
}
int Sync(sqlite3_file* f, int flags) {
  return Guard(f, Operation::kSync, [&] { return Methods(f)->xSync(RealFile(f), flags); });
}
int FileSize(sqlite3_file* f, sqlite3_int64* size) {
  return Methods(f)->xFileSize(RealFile(f), size);
}
int Lock(sqlite3_file* f, int level) { return Methods(f)->xLock(RealFile(f), level); }
int Unlock(sqlite3_file* f, int level) { return Methods(f)->xUnlock(RealFile(f), level); }
int CheckReservedLock(sqlite3_file* f, int* out) {
  return Methods(f)->xCheckReservedLock(RealFile(f), out);
}
int FileControl(sqlite3_file* f, int op, void* arg) {
  return Methods(f)->xFileControl(RealFile(f), op, arg);
}
int SectorSize(sqlite3_file* f) { return Methods(f)->xSectorSize(RealFile(f)); }
int DeviceCharacteristics(sqlite3_file* f) {
  return Methods(f)->xDeviceCharacteristics(RealFile(f));
}
int ShmMap(sqlite3_file* f, int page, int size, int extend, void volatile** to) {
  return Methods(f)->xShmMap(RealFile(f), page, size, extend, to);
}
int ShmLock(sqlite3_file* f, int offset, int n, int flags) {
  return Methods(f)->xShmLock(RealFile(f), offset, n, flags);
}
void ShmBarrier(sqlite3_file* f) { Methods(f)->xShmBarrier(RealFile(f)); }
int ShmUnmap(sqlite3_file* f, int remove) { return Methods(f)->xShmUnmap(RealFile(f), remove); }

constexpr sqlite3_io_methods kMethods = {2,
                                         Close,
                                         Read,
                                         Write,
                                         Truncate,
                                         Sync,
                                         FileSize,
                                         Lock,
                                         Unlock,
                                         CheckReservedLock,
                                         FileControl,
                                         SectorSize,
                                         DeviceCharacteristics,
                                         ShmMap,
                                         ShmLock,
                                         ShmBarrier,
                                         ShmUnmap,
                                         nullptr,
                                         nullptr};

sqlite3_vfs* real_vfs = nullptr;

int Open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  FaultFile* ours = Ours(file);
  ours->is_ours = (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)) != 0;
  ours->kind = (flags & SQLITE_OPEN_WAL) != 0 ? File::kLog : File::kDatabase;
  const int result = real_vfs->xOpen(real_vfs, name, RealFile(file), flags, out_flags);
  file->pMethods = RealFile(file)->pMethods == nullptr ? nullptr : &kMethods;
  return result;
}

int Delete(sqlite3_vfs*, const char* name, int sync) {
  return real_vfs->xDelete(real_vfs, name, sync);
}
int Access(sqlite3_vfs*, const char* name, int flags, int* out) {
  return real_vfs->xAccess(real_vfs, name, flags, out);
}
int FullPathname(sqlite3_vfs*, const char* name, int size, char* out) {
  return real_vfs->xFullPathname(real_vfs, name, size, out);
}

}  // namespace

FaultVfs& FaultVfs::Get() {
  static FaultVfs* vfs = new FaultVfs;
  return *vfs;
}

FaultVfs::FaultVfs() {
  real_vfs = sqlite3_vfs_find(nullptr);
  static sqlite3_vfs vfs = *real_vfs;  // time, randomness, sleep as they are
  vfs.szOsFile = static_cast<int>(sizeof(FaultFile)) + real_vfs->szOsFile;
  vfs.zName = kName;
  vfs.pNext = nullptr;
  vfs.xOpen = Open;
  vfs.xDelete = Delete;
  vfs.xAccess = Access;
  vfs.xFullPathname = FullPathname;
  sqlite3_vfs_register(&vfs, /*makeDflt=*/0);
}

void FaultVfs::Fail(Operation operation, File file, int result, int spare) {
  MutexLock lock(mutex_);
  failing_ = true;
  operation_ = operation;
  file_ = file;
  result_ = result;
  spare_ = spare;
}

void FaultVfs::Heal() {
  MutexLock lock(mutex_);
  failing_ = false;
  on_log_truncated_ = nullptr;
}

bool FaultVfs::Synced(File file) const {
  MutexLock lock(mutex_);
  return !unsynced_[static_cast<int>(file)];
}

void FaultVfs::OnLogTruncated(std::function<void()> hook) {
  MutexLock lock(mutex_);
  on_log_truncated_ = std::move(hook);
}

int FaultVfs::Enter(Operation operation, File file) {
  MutexLock lock(mutex_);
  if (operation == Operation::kWrite) unsynced_[static_cast<int>(file)] = true;
  if (!failing_ || operation != operation_ || file != file_) return SQLITE_OK;
  if (spare_ > 0) {
    --spare_;
    return SQLITE_OK;
  }
  ++failures_;
  return result_;
}

void FaultVfs::Leave(Operation operation, File file) {
  std::function<void()> hook;
  {
    MutexLock lock(mutex_);
    if (operation == Operation::kSync) unsynced_[static_cast<int>(file)] = false;
    if (operation == Operation::kTruncate && file == File::kLog) hook = on_log_truncated_;
  }
  if (hook) hook();
}

}  // namespace bits::testing
