#pragma once

#include <sqlite3.h>

#include <cstring>
#include <string>

namespace quire::tests {

/// A file system for SQLite that passes everything on, except what it is told
/// to let fail. One at a time; registered as "faulty" while it lives.
class faulty_vfs {
public:
  faulty_vfs() {
    real_ = sqlite3_vfs_find(nullptr);
    vfs_ = *real_;
    vfs_.zName = "faulty";
    vfs_.szOsFile = static_cast<int>(sizeof(file)) + real_->szOsFile;
    vfs_.xOpen = open;
    vfs_.pAppData = this;
    sqlite3_vfs_register(&vfs_, 0);
  }
  faulty_vfs(const faulty_vfs&) = delete;
  faulty_vfs& operator=(const faulty_vfs&) = delete;
  ~faulty_vfs() { sqlite3_vfs_unregister(&vfs_); }

  int wal_sync_result = SQLITE_OK;  ///< Of every fsync of a log, after which nothing is synced.
  int wal_write_result = SQLITE_OK; ///< Of every write into a log, which then does not happen.
  bool may_open = true;

private:
  struct file {
    sqlite3_file base;
    sqlite3_io_methods methods;
    faulty_vfs* home;
    bool wal;
    sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  };

  static file* cast(sqlite3_file* f) { return reinterpret_cast<file*>(f); }

  template <auto Method, class... Args>
  static int pass(sqlite3_file* f, Args... args) {
    auto* real = cast(f)->real();
    return (real->pMethods->*Method)(real, args...);
  }

  static int write(sqlite3_file* f, const void* data, int size, sqlite3_int64 offset) {
    auto* own = cast(f);
    if (own->wal && own->home->wal_write_result != SQLITE_OK)
      return own->home->wal_write_result;
    return own->real()->pMethods->xWrite(own->real(), data, size, offset);
  }

  static int sync(sqlite3_file* f, int flags) {
    auto* own = cast(f);
    if (own->wal && own->home->wal_sync_result != SQLITE_OK)
      return own->home->wal_sync_result;
    return own->real()->pMethods->xSync(own->real(), flags);
  }

  static void shm_barrier(sqlite3_file* f) {
    cast(f)->real()->pMethods->xShmBarrier(cast(f)->real());
  }

  static int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* f, int flags, int* out) {
    auto* home = static_cast<faulty_vfs*>(vfs->pAppData);
    auto* own = cast(f);
    own->base.pMethods = nullptr;
    if (!home->may_open)
      return SQLITE_IOERR;
    own->home = home;
    own->wal = (flags & SQLITE_OPEN_WAL) != 0;
    auto result = home->real_->xOpen(home->real_, name, own->real(), flags, out);
    if (!own->real()->pMethods)
      return result;
    using m = sqlite3_io_methods;
    own->methods = {2,
                    pass<&m::xClose>,
                    pass<&m::xRead>,
                    write,
                    pass<&m::xTruncate>,
                    sync,
                    pass<&m::xFileSize>,
                    pass<&m::xLock>,
                    pass<&m::xUnlock>,
                    pass<&m::xCheckReservedLock>,
                    pass<&m::xFileControl>,
                    pass<&m::xSectorSize>,
                    pass<&m::xDeviceCharacteristics>,
                    pass<&m::xShmMap>,
                    pass<&m::xShmLock>,
                    shm_barrier,
                    pass<&m::xShmUnmap>,
                    nullptr,
                    nullptr};
    own->base.pMethods = &own->methods;
    return result;
  }

  sqlite3_vfs* real_;
  sqlite3_vfs vfs_;
};

} // namespace quire::tests
